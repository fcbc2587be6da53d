"""A proxy in front of a chain that loses what it is told to lose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from http.server import BaseHTTPRequestHandler

import requests
from serving import served


class Loss(Enum):
    """What becomes of a request."""

    NONE = "none"
    QUESTION = "the chain never hears of it"
    ANSWER = "the chain does it, and nobody hears of that"


@contextmanager
def flaky_proxy(rpc_url: str, lose: Callable[[bytes], Loss]) -> Iterator[str]:
    """The URL of a proxy that asks `lose` about the body of every request."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            loss = lose(body)
            if loss is not Loss.QUESTION:
                answer = requests.post(rpc_url, data=body, headers={"Content-Type": "application/json"}, timeout=20)
            if loss is not Loss.NONE:
                self.close_connection = True  # without a word
                return
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_values: object) -> None: ...

    with served(Handler) as url:
        yield url
