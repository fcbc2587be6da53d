"""The explorer as an ASGI application."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from qfl.apps.explorer.pages import NotFound, Pages
from qfl.apps.explorer.security import SecurityMiddleware
from qfl.apps.explorer.watcher import Watcher
from qfl.devnet.programs import find_module
from qfl.errors import ProgramMissing

STATIC = Path(__file__).with_name("static")
CHARTS = {"uplot.js": "uplot/dist/uPlot.iife.min.js", "uplot.css": "uplot/dist/uPlot.min.css"}
"""The charting library's own files, as npm brought them; without them the figures are tables."""


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
