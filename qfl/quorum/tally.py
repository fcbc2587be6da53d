"""The valid signatures of one digest by seat, of all that were announced; each is verified once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from qfl.quorum.quorum import QuorumScheme


class Tally:
    """Anybody can announce noise in a seat's name; what counts is the first signature that is valid."""

    def __init__(self, scheme: QuorumScheme[Any], keys: Mapping[int, Any], digest: bytes) -> None:
        self._scheme, self._keys, self._digest = scheme, keys, digest
        self._seen: set[tuple[int, bytes]] = set()
        self.signatures: dict[int, bytes] = {}

    def add(self, said: Iterable[tuple[int, bytes]]) -> None:
        """Take in what was announced, seat and signature."""
        waiting = [entry for entry in dict.fromkeys(said) if entry not in self._seen and entry[0] in self._keys]
        self._seen.update(waiting)
        while waiting := [entry for entry in waiting if entry[0] not in self.signatures]:
            batch = dict(reversed(waiting))  # of each seat, the first
            valid = self._scheme.valid(self._keys, self._digest, batch)
            self.signatures.update({seat: batch[seat] for seat in valid})
            waiting = [entry for entry in waiting if batch[entry[0]] != entry[1]]
