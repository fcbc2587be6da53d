"""When a client commits by key in place of a signature, and when it may show a key.

Whoever has a key before the client's commitment is settled can commit in the client's name. So a key is shown only when
every node that is asked says that the slot holds the client's own commitment in a final block of the shard's chain, and
the own clock that nobody can commit any more, by what the beacon says of the round and by what the shard's mirror does.
Where that is another chain, the beacon's must not take the round back either: opened anew, it could give the client to
another shard, where the key is good for the same round. The keys themselves keep no state: what was shown is on chain.
"""

import logging
import time
from collections.abc import Sequence
from pathlib import Path

from qfl.chain.clock import is_development_chain
from qfl.chain.finality import Finality, trusts_nodes
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.connection import time_of
from qfl.crypto.hash_chain import HashChain, RoundKeys
from qfl.errors import RpcRefused
from qfl.node.anchors import find_key_chain
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex

log = logging.getLogger(__name__)


TOO_LATE = "round %d: committed with a signature, as no key could be shown in time: blocks are final %d s later"
UNKNOWN = "committed with a signature, as the node does not tell which blocks are final: %s"


class Signing:
    """How one client's commitments are signed, and what it waits for before it shows a key."""

    def __init__(
        self,
        ledger: Ledger,
        participant: ParticipantId,
        folder: Path,
        *,
        mode: str = "auto",
        others: Sequence[Ledger] = (),
        confirmations: int | None = None,
    ) -> None:
        """`mode` is one of `SIGNINGS`; `others` are the same deployment as other nodes tell it, which have to agree.

        `confirmations` are those of the deployment, for the chain that a shard is on, unless given.
        """
        self._ledger, self._participant, self._folder = ledger, participant, folder
        self._views = [ledger, *others]
        self._mode, self._confirmations = mode, confirmations
        self._anchor: tuple[bytes, int] = b"", 0
        self._chain: HashChain | None = None
        self._moves_time: bool | None = None

    def keys_of(self, shard: ShardIndex, number: RoundNumber) -> RoundKeys | None:
        """Token and key of a round; None where its commitment is to be signed with LMS."""
        if not self._is_by_key(shard):
            return None
        chain = self._own_chain()
        keys = None if chain is None else chain.keys_of(number, self._anchor[1])
        return keys if keys is not None and self._will_be_final(shard, number) else None

    def needs_chain(self, shard: ShardIndex, number: RoundNumber) -> bool:
        """Whether commitments are to be by key, and no chain has links for this round or a later one."""
        if not self._is_by_key(shard):
            return False
        chain = self._own_chain()
        return chain is None or number - self._anchor[1] >= chain.length // 2

    def is_settled(self, shard: ShardIndex, number: RoundNumber, slot: bytes) -> bool:
        """Whether nothing but `slot` can be in the client's slot any more, so that its key may be shown."""
        return all(
            self._is_over(view, shard, number)
            and view.shards[shard].update_at(self._finality(view, shard).block(), number, self._participant) == slot
            for view in self._views
        )

    def _is_by_key(self, shard: ShardIndex) -> bool:
        """Whether commitments to a shard are by key: as the mode says, or where no node's lie about its chain, or about
        the beacon's, would pass."""
        if self._mode != "auto":
            return self._mode == "keys"
        asked = [view.web3 for view in self._views], [view.shards[shard].web3 for view in self._views]
        return all(map(trusts_nodes, asked))

    def _is_over(self, view: Ledger, shard: ShardIndex, number: RoundNumber) -> bool:
        """Whether nobody can commit to a shard any more, by the own clock; mirrors may name another time.

        Not while a mirror shows another round than the beacon's final block has opened: opened anew, it may have the
        client in another shard.
        """
        if not view.mirrors:
            return self._now() >= view.beacon.round_at(number).commit_ends_at
        record, shown = view.beacon.round_at(number, self._finality(view).block()), view.mirrors[shard].mirrored()
        if shown is None or (shown.round, shown.seed) != (number, record.seed):
            return False
        return self._now() >= max(record.commit_ends_at, shown.commit_ends_at)

    def _own_chain(self) -> HashChain | None:
        """The chain whose anchor is on chain now; None where there is none, or it is of another seed."""
        anchor = self._ledger.staking.anchor_of(self._participant)
        if anchor != self._anchor:
            self._anchor = anchor
            self._chain = find_key_chain(self._ledger, self._participant, self._folder, anchor=anchor)
        return self._chain

    def _will_be_final(self, shard: ShardIndex, number: RoundNumber) -> bool:
        """Whether what is committed now is final before half of the time to reveal is over."""
        record = self._ledger.beacon.round_at(number)
        try:
            finalities = [self._finality(view, shard) for view in self._views]
            finalities += [self._finality(view) for view in self._views if view.mirrors]
            lag = max(finality.lag_seconds() for finality in finalities)
        except RpcRefused as refusal:
            log.warning(UNKNOWN, refusal)
            return False
        if time_of(self._ledger.shards[shard].web3) + lag <= (record.commit_ends_at + record.reveal_ends_at) // 2:
            return True
        log.info(TOO_LATE, number, lag)
        return False

    def _finality(self, view: Ledger, shard: ShardIndex | None = None) -> Finality:
        """Of the chain that a shard is on; of the beacon's where none is given."""
        web3, told = view.web3, view.deployment.confirmations
        if shard is not None and view.mirrors:
            web3, told = view.shards[shard].web3, view.deployment.chains[shard].confirmations
        return Finality(web3, told if self._confirmations is None else self._confirmations)

    def _now(self) -> float:
        """The own clock; where a development chain's time is moved, that is the clock."""
        if self._moves_time is None:
            self._moves_time = is_development_chain(self._ledger.web3)
        return self._ledger.now() if self._moves_time else time.time()
