"""Marks every test by its folder, and keeps unit tests off the network."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
RECURSION_LIMIT = sys.getrecursionlimit()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        kind = item.path.relative_to(TESTS).parts[0]
        item.add_marker(getattr(pytest.mark, kind))
    # Test modules that import py_ecc themselves have raised it a hundredfold: deep JSON would end this process.
    sys.setrecursionlimit(RECURSION_LIMIT)


@pytest.fixture(autouse=True)
def no_sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("unit") is None:
        return

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("a unit test opened a socket: move it to tests/integration")

    monkeypatch.setattr(socket.socket, "connect", refuse)
