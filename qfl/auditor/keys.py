"""Which key spoke for whom, and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Generic, TypeVar

from qfl.protocol.types import ParticipantId

Key = TypeVar("Key")


class KeyHistory(Generic[Key]):
    """Every participant's keys by the block they became valid in, from events."""

    def __init__(self, changes: Iterable[tuple[ParticipantId, Key, int]]) -> None:
        """`changes` are participants, new keys and blocks, oldest first."""
        self._keys: dict[int, list[tuple[int, Key]]] = defaultdict(list)
        for participant, key, block in changes:
            self._keys[participant].append((block, key))

    def at(self, participant: int, block: int) -> list[Key]:
        """The keys that could have spoken in `block`: the last one before it, and any that changed in it."""
        history = self._keys[participant]
        before = [key for since, key in history if since < block][-1:]
        return before + [key for since, key in history if since == block]
