"""A gate in front of a development chain that hides what it is: nothing of a development chain gets through."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import requests

DEVELOPMENT = ("evm_", "anvil_", "hardhat_")


@dataclass
class Gate:
    """Where it is, and which methods were asked for. `errors` are what it answers instead of the chain, by method."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    errors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@contextmanager
def gate_before(
    rpc_url: str, version: str, errors: Mapping[str, Mapping[str, Any]] | None = None, is_strict: bool = True
) -> Iterator[Gate]:
    """A gate that says it is `version`, and refuses a development chain's methods if it `is_strict`."""
    gate = Gate(errors=errors or {})

    def answer(call: dict[str, Any]) -> dict[str, Any]:
        method = call["method"]
        gate.asked.append(method)
        head = {"jsonrpc": "2.0", "id": call["id"]}
        if method in gate.errors:
            return {**head, "error": gate.errors[method]}
        if method == "web3_clientVersion":
            return {**head, "result": version}
        if is_strict and method.startswith(DEVELOPMENT):
            return {**head, "error": {"code": -32601, "message": f"the method {method} does not exist"}}
        return dict(requests.post(rpc_url, json=call, timeout=20).json())

    with _serving(answer) as gate.url:
        yield gate


@contextmanager
def _serving(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            calls = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps([answer(call) for call in calls] if isinstance(calls, list) else answer(calls)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_values: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
