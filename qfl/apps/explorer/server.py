"""Serves the explorer from a socket of this machine: read-only, to no name but this machine's own."""

import ipaddress
import socket
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qfl.apps.explorer.pages import NotFound, Pages
from qfl.apps.explorer.watcher import Watcher
from qfl.devnet.programs import find_module
from qfl.errors import InvalidInput, ProgramMissing

STATIC = Path(__file__).with_name("static")
CHARTS = {"uplot.js": "uplot/dist/uPlot.iife.min.js", "uplot.css": "uplot/dist/uPlot.min.css"}
"""The charting library's own files, as npm brought them; without them the figures are tables."""
MOST_CONNECTIONS = 64
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


def serve(
    watcher: Watcher,
    on_ready: Callable[[str], None],
    *,
    host: str,
    port: int,
    names: Collection[str],
    beyond_loopback: bool,
) -> None:
    """Follow the chains and answer until SIGINT or SIGTERM.

    Args:
        on_ready: called with the page's address when the socket is open.
        port: any free one when it is taken, or for 0.
        names: as `make_app`.
        beyond_loopback: whether `host` may be one that other machines reach.

    Raises InvalidInput: `host` is no address of this machine, or one that others reach without `beyond_loopback`.
    """
    with _open(host, port, beyond_loopback) as opened:
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
    # Listens before anybody knows of it, so that who comes at once waits, and is not refused.
    with suppress(OSError):
        return socket.create_server((str(address), port), family=family)
    try:
        return socket.create_server((str(address), 0), family=family)
    except OSError as error:
        raise InvalidInput("host", host, f"cannot be listened on: {error}: give an address of this machine") from error


def make_app(watcher: Watcher, names: Collection[str] = ()) -> ASGIApp:
    """The pages of a watcher; `names` are hosts that it is called by besides addresses and localhost."""
    pages = Pages(watcher)
    routes = [
        Route("/", pages.overview),
        Route("/rounds", pages.rounds),
        Route("/rounds/{number:int}", pages.round),
        Route("/participants", pages.participants),
        Route("/participants/{number:int}", pages.participant),
        Route("/transactions", pages.transactions),
        Route("/transactions/{hash}", pages.transaction),
        Route("/addresses/{address}", pages.address),
        Route("/content/{cid}", pages.content),
        Route("/search", pages.search),
        Route("/state.json", pages.state),
        Route("/series.json", pages.series),
        Route("/charts/{name}", _chart_file),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    handlers = {404: pages.missing, NotFound: pages.missing, Exception: pages.failed}
    # Around all of it: what goes wrong has its headers, too.
    return SecurityMiddleware(Starlette(routes=routes, exception_handlers=handlers), names)


def _chart_file(request: Request) -> Response:
    name = request.path_params["name"]
    try:
        return FileResponse(find_module(CHARTS[name])) if name in CHARTS else PlainTextResponse("no such file", 404)
    except ProgramMissing as fault:
        return PlainTextResponse(str(fault), 404)


class SecurityMiddleware:
    """Refuses what is not a look (GET, HEAD) and what was sent to a name that is not ours; adds headers to all else.

    A page elsewhere may have its own name resolve to this machine, and then read answers as its own (DNS rebinding).
    It cannot do so with an address for a name, so addresses and `names` are all that is answered to.
    """

    def __init__(self, app: ASGIApp, names: Collection[str] = ()) -> None:
        self._app, self._names = app, {"localhost", *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope).get("host", ""))
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, method: str, host: str) -> PlainTextResponse | None:
        if method not in ("GET", "HEAD"):
            return PlainTextResponse("the explorer only reads", 405, {"Allow": "GET, HEAD"})
        if not self._is_ours(host):
            return PlainTextResponse("no such host here: use 127.0.0.1, or start with --name", 421)
        return None

    def _is_ours(self, host: str) -> bool:
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        if name.lower() in self._names:
            return True
        try:
            return bool(ipaddress.ip_address(name))
        except ValueError:
            return False
