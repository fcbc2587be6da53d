"""Who may look, and what a page may do: read-only, no name but this machine's own, nothing from elsewhere."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
