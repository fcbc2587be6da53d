"""Waiting for what other processes do."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 300.0
"""When a wait is given up: long, for a machine that is busy with other things."""


def wait_until(happened: Callable[[], object], what: Callable[[], object] | str, pause: float = 0.02) -> None:
    """Poll until it `happened`; `what` did not, if it never does, is said in the end."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, what if isinstance(what, str) else what()
        time.sleep(pause)
