"""A proxy in front of a chain's node, which answers what it likes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import requests

from qfl.devnet.process import HOST

ANSWER_SECONDS = 20


@dataclass(frozen=True)
class Whole:
    """What the whole request gets, in place of JSON-RPC."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Ask = Callable[[bytes], bytes]
"""From the body of a request to what the node answers."""


def ask(rpc_url: str, body: bytes) -> bytes:
    """What the node at `rpc_url` answers to the body of a request."""
    headers = {"Content-Type": "application/json"}
    return requests.post(rpc_url, data=body, headers=headers, timeout=ANSWER_SECONDS).content


@contextmanager
def proxy(rpc_url: str, treat: Callable[[bytes, Ask], Whole | None], host: str = HOST) -> Iterator[str]:
    """The URL of a proxy that answers a request's body as `treat` says; on None it hangs up without a word."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            said = treat(self.rfile.read(int(self.headers["Content-Length"])), partial(ask, rpc_url))
            if said is None:
                self.close_connection = True
                return
            self.send_response(said.status)
            for name, value in {**said.headers, "Content-Length": str(len(said.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said.body)

        def log_message(self, *_values: object) -> None: ...

    server = ThreadingHTTPServer((host, 0), Handler)
    serving = Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
