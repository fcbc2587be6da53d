"""Whether a shard's mirror shows what the beacon says: a seat takes no part in a shard whose mirror does not."""

from __future__ import annotations

from qfl.chain.contracts.mirror import Mirroring
from qfl.chain.ledger import Ledger
from qfl.chain.mirror_message import compute_message
from qfl.protocol.types import ShardIndex


class MirrorVerifier:
    """Recomputes every message that a mirror took, each once: what it shows now rests on all of them.

    Read again are only those in blocks that are new, or that took another's place.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: set[tuple[ShardIndex, Mirroring]] = set()
        self._read: dict[ShardIndex, tuple[int, bytes]] = {}

    def find_falsehood(self, shard: ShardIndex) -> str | None:
        """The first message that is not the beacon's; None when there is none, and for a shard without a mirror.

        Raises:
            ChainUnreachable: the beacon's chain or the shard's.
        """
        if not self._ledger.mirrors:
            return None
        mirror, since = self._ledger.mirrors[shard], self._ledger.deployment.chains[shard].block
        if (read := self._read.get(shard)) is not None and mirror.has_block(*read):
            since = read[0]  # again: chains refuse to look for logs after their last block
        head = mirror.head()  # before the messages: those of later blocks are read next time
        for taken in mirror.mirrorings(since):
            if (shard, taken) not in self._known:
                if not self._is_true(shard, taken):
                    return f"what the mirror of shard {shard} shows of round {taken.round} is not what the beacon says"
                self._known.add((shard, taken))
        self._read[shard] = head
        return None

    def _is_true(self, shard: ShardIndex, taken: Mirroring) -> bool:
        if not taken.previous < taken.round <= self._ledger.beacon.current_round():
            return False
        message = compute_message(self._ledger, shard, taken.round, taken.previous)
        return self._ledger.mirror_domains[shard].mirror_message(message) == taken.digest
