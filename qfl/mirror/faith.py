"""Whether a shard's mirror shows what the beacon says: a seat takes no part in a shard whose mirror does not."""

from __future__ import annotations

from qfl.chain.contracts.mirror import Mirroring
from qfl.chain.ledger import Ledger
from qfl.mirror.message import compute_message
from qfl.types import ShardIndex


class Faith:
    """Recomputes every message that a mirror took, each once: what it shows now rests on all of them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: set[tuple[ShardIndex, Mirroring]] = set()

    def find_falsehood(self, shard: ShardIndex) -> str | None:
        """The first message that is not the beacon's; None when there is none, and for a shard without a mirror.

        Raises:
            ChainUnreachable: the beacon's chain or the shard's.
        """
        if not self._ledger.mirrors:
            return None
        for taken in self._ledger.mirrors[shard].mirrorings(self._ledger.deployment.chains[shard].block):
            if (shard, taken) not in self._known:
                if not self._is_true(shard, taken):
                    return f"what the mirror of shard {shard} shows of round {taken.round} is not what the beacon says"
                self._known.add((shard, taken))
        return None

    def _is_true(self, shard: ShardIndex, taken: Mirroring) -> bool:
        if not taken.previous < taken.round <= self._ledger.beacon.current_round():
            return False
        message = compute_message(self._ledger, shard, taken.round, taken.previous)
        return self._ledger.mirror_domains[shard].mirror_message(message) == taken.digest
