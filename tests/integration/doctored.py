"""A proxy in front of a chain that answers some calls in its place, as public nodes and faulty ones do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import requests
from serving import served


@dataclass(frozen=True)
class Error:
    """The `error` of the answer to one call, whatever JSON it is."""

    error: Any


@dataclass(frozen=True)
class Result:
    """The `result` of the answer to one call."""

    result: Any


@dataclass(frozen=True)
class Whole:
    """What the whole request gets, in place of JSON-RPC."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Doctor = Callable[[dict[str, Any]], Error | Result | Whole | None]
"""From a call (`method`, `params`) to what it gets; None: what the chain says."""


@contextmanager
def doctored_proxy(
    rpc_url: str, doctor: Doctor, whole_doctor: Callable[[list[dict[str, Any]]], Whole | None] = lambda _: None
) -> Iterator[str]:
    """The URL of a proxy that asks `whole_doctor` about every request, and `doctor` about every call in it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            calls = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            said = [doctor(call) for call in calls]
            whole = whole_doctor(calls) or next((one for one in said if isinstance(one, Whole)), None)
            if whole is None:
                whole = Whole(json.dumps(self._answers(calls, said)).encode())
            self.send_response(whole.status)
            for name, value in whole.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(whole.body)))
            self.end_headers()
            self.wfile.write(whole.body)

        def _answers(self, calls: list[dict[str, Any]], said: list[Any]) -> list[dict[str, Any]]:
            passed = [call for call, one in zip(calls, said, strict=True) if one is None]
            heard = requests.post(rpc_url, json=passed, timeout=20).json() if passed else []
            answers = {answer["id"]: answer for answer in heard}
            for call, one in zip(calls, said, strict=True):
                if one is not None:
                    answers[call["id"]] = {"jsonrpc": "2.0", "id": call["id"], **vars(one)}
            return list(answers.values())

        def log_message(self, *_values: object) -> None: ...

    with served(Handler) as url:
        yield url
