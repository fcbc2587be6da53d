"""For commands that play attackers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Honest roles warn of what attackers do, over and over: only what is worse than that is shown."""
    logger = logging.getLogger("qfl")
    before = logger.level
    logger.setLevel(logging.ERROR if before >= logging.INFO else before)
    try:
        yield
    finally:
        logger.setLevel(before)
