"""Servers that treat their callers badly, each in one way."""

import socket
import socketserver
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

Answer = Callable[[socket.socket, Event], None]
"""Says something on a connection whose request's head was read; it may go on until the event is set."""

JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
DRIP_SECONDS = 0.02


def plainly(body: bytes, status: str = "200 OK", kind: str = "application/json") -> Answer:
    """A whole answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return lambda sock, _over: sock.sendall(head.encode() + body)


def once(words: bytes) -> Answer:
    """What is no whole answer, before the connection is closed."""
    return lambda sock, _over: sock.sendall(words)


def silently(sock: socket.socket, over: Event) -> None:
    over.wait()


def then_silently(words: bytes) -> Answer:
    def answer(sock: socket.socket, over: Event) -> None:
        sock.sendall(words)
        over.wait()

    return answer


def dripping(words: bytes, drop: bytes) -> Answer:
    """`words`, and then `drop` after `drop`, slowly, for ever."""

    def answer(sock: socket.socket, over: Event) -> None:
        sock.sendall(words)
        while not over.wait(DRIP_SECONDS):
            sock.sendall(drop)

    return answer


def endlessly(words: bytes, more: bytes) -> Answer:
    """`words`, and then `more` of them, as fast as they are read, for ever."""

    def answer(sock: socket.socket, over: Event) -> None:
        sock.sendall(words)
        flood = more * (2**16 // len(more))
        while not over.is_set():
            sock.sendall(flood)

    return answer


@contextmanager
def hostile_server(answer: Answer, heads: list[bytes] | None = None, reads_on: bool = True) -> Iterator[str]:
    """The URL of a server on loopback that gives the first request of every connection this answer.

    Args:
        heads: Is appended the heads of the requests.
        reads_on: Whether the server reads anything after the head.
    """
    over = Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (piece := self.request.recv(2**16)):
                    return
                head += piece
            if heads is not None:
                heads.append(head)
            if reads_on:
                Thread(target=self._swallow, daemon=True).start()
            with suppress(OSError):  # the caller has had enough
                answer(self.request, over)

        def _swallow(self) -> None:
            """Read on: a connection that is closed with a body unread resets, and takes the answer with it."""
            with suppress(OSError):
                while self.request.recv(2**16):
                    pass

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        serving = Thread(target=server.serve_forever, args=(0.005,))
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            over.set()
            server.shutdown()
            serving.join()
