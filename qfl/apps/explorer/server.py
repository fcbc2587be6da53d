"""Serves the explorer from a socket of this machine."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Collection
from contextlib import suppress

import uvicorn

from qfl.apps.explorer.app import make_app
from qfl.apps.explorer.watcher import Watcher
from qfl.devnet.ports import HOST
from qfl.errors import InvalidInput

PORT = 8550
"""Where it is looked for; any free port when that is taken."""
MOST_CONNECTIONS = 64


def serve(
    watcher: Watcher,
    on_ready: Callable[[str], None],
    host: str = HOST,
    port: int = PORT,
    names: Collection[str] = (),
    beyond_loopback: bool = False,
) -> None:
    """Follow the chains and answer until SIGINT or SIGTERM.

    Args:
        on_ready: called with the page's address when the socket is open.
        port: 0 is a free one.
        beyond_loopback: whether `host` may be one that other machines reach.

    Raises:
        InvalidInput: `host` is no address of this machine, or one that others reach without `beyond_loopback`.
    """
    opened = _open(host, port, beyond_loopback)
    with opened:
        bound = opened.getsockname()
        shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        config = uvicorn.Config(
            make_app(watcher, names),
            log_level="warning",
            server_header=False,
            lifespan="off",
            ws="none",
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=1,
        )
        watcher.start()
        on_ready(f"http://{shown}:{bound[1]}")
        try:
            # It ends by itself on a signal, and then passes it on: nothing is left to be interrupted.
            with suppress(KeyboardInterrupt):
                uvicorn.Server(config).run(sockets=[opened])
        finally:
            watcher.stop()


def _open(host: str, port: int, beyond_loopback: bool) -> socket.socket:
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise InvalidInput("host", host, "give an address of this machine, such as 127.0.0.1 or ::1") from None
    if not address.is_loopback and not beyond_loopback:
        remedy = "other machines reach it: add --beyond-loopback if they may look, or leave it at 127.0.0.1"
        raise InvalidInput("host", host, remedy)
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    for wanted in (port, 0):
        opened = socket.socket(family)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind((str(address), wanted))
            opened.listen()  # so that who comes at once waits, and is not refused
            return opened
        except (OSError, OverflowError) as error:
            opened.close()
            if wanted == 0 or isinstance(error, OverflowError):
                raise InvalidInput("host", f"{host}:{wanted}", f"cannot be listened on: {error}") from error
    raise AssertionError("the last try returns or raises")
