"""What passes over the connections to the chains, for those who measure it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Exchange:
    """An HTTP request to a chain and its answer: bodies, and the time of this process's clock (`perf_counter`)."""

    url: str
    request: bytes
    answer: bytes
    started: float
    ended: float


_listeners: list[Callable[[Exchange], None]] = []


@contextmanager
def listening(listener: Callable[[Exchange], None]) -> Iterator[None]:
    """Have `listener` called after every exchange of this process while this lasts, before its answer is handed out."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell(exchange: Exchange) -> None:
    """Have every listener hear of an exchange."""
    for listener in _listeners:
        listener(exchange)
