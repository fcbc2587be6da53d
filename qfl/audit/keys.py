"""Which key spoke for whom, and when."""

from __future__ import annotations

from collections import defaultdict

from qfl.chain.ledger import Ledger
from qfl.types import LmsPublicKey


class KeyHistory:
    """Every participant's keys by the block they became valid in, from events."""

    def __init__(self, ledger: Ledger) -> None:
        self._keys: dict[int, list[tuple[int, LmsPublicKey]]] = defaultdict(list)
        for bonding in ledger.staking.bondings(ledger.from_block):
            self._keys[bonding.id].append((bonding.block, bonding.key))
        for participant, key, block in ledger.staking.rotations(ledger.from_block):
            self._keys[participant].append((block, key))

    def at(self, participant: int, block: int) -> list[LmsPublicKey]:
        """The keys that could have spoken in `block`: the last one before it, and any that changed in it."""
        history = self._keys[participant]
        before = [key for since, key in history if since < block][-1:]
        return before + [key for since, key in history if since == block]
