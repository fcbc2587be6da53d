"""Marks every test by its folder, keeps unit tests off the network, and has Hypothesis repeat itself.

What is marked `rest` by the tests themselves is not in `make test`, but in `make test-rest`.
"""

import gc
import socket
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent
RECURSION_LIMIT = sys.getrecursionlimit()

# The same examples in every run, and no verdict on how long they take to make or to try: what fails, fails because of
# the code. `--hypothesis-profile=default` tries new ones.
settings.register_profile(
    "repeatable",
    parent=settings.default,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        kind = item.path.relative_to(TESTS).parts[0]
        item.add_marker(getattr(pytest.mark, kind))
    # Test modules that import py_ecc themselves have raised it a hundredfold: deep JSON would end this process.
    sys.setrecursionlimit(RECURSION_LIMIT)


def pytest_collection_finish() -> None:
    """Keep what is loaded now out of garbage collections: Brownie has one around every test, and much is loaded."""
    gc.freeze()


@pytest.fixture(autouse=True)
def no_sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("unit") is None:
        return

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("a unit test opened a socket: move it to tests/integration")

    monkeypatch.setattr(socket.socket, "connect", refuse)
