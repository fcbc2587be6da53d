"""A bound on the bytes that threads hold together while they fetch."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ByteBudget:
    """At most `capacity` bytes at a time; who asks for more than is left waits."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._held = 0
        self._changed = threading.Condition()

    @contextmanager
    def holding(self, count: int) -> Iterator[None]:
        """Hold `count` bytes of it. More than the whole capacity is given to one that is alone."""
        count = min(count, self.capacity)
        with self._changed:
            self._changed.wait_for(lambda: self._held + count <= self.capacity)
            self._held += count
        try:
            yield
        finally:
            with self._changed:
                self._held -= count
                self._changed.notify_all()
