"""Demands to show what somebody has signed for: which are open, what they ask for, and the answer.

Whoever signed for a root is slashed when nobody shows its content in time, so validators answer for what they attested
or published. Anybody else with the content may, and is paid for it.
"""

import logging
from collections.abc import Sequence

from qfl.chain.contracts.demands import PART_CHUNKS, PART_HEIGHT, Demanded, DemandState, Part, Subject
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.connection import block_number
from qfl.chain.rpc.sender import TransactionSender
from qfl.errors import ContentUnusable, MalformedContent
from qfl.node.relay import send_unless_overtaken
from qfl.protocol.chunks import merkle_root, part_path, split_leaves
from qfl.protocol.content import HEADER_BYTES, read_lanes
from qfl.protocol.lanes import MODEL_LANE_BITS, pack_lanes, packed_bytes
from qfl.protocol.recompute import included_in
from qfl.protocol.types import ParticipantId
from qfl.storage.store import ContentStore

log = logging.getLogger(__name__)

REORGANISED_BLOCKS = 64
"""How far back events are read again: they may have been exchanged since."""
REMEMBERED_SECONDS = 900
"""Chain time behind its deadline for which a demand is remembered: as many blocks of mainnet, and some more."""
SEARCH_SECONDS = 20
"""Chain time after which content that was not found is searched for again."""


class OpenDemands:
    """The demands that were neither answered nor reclaimed, read from the chain's events: first all, then new ones.

    One that was is remembered for a while behind its deadline: a reorganization may drop its answer.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._since = ledger, ledger.from_block
        self._made: dict[Part, Demanded] = {}

    def read(self) -> list[Demanded]:
        """Those that are open now, oldest first; none in a deployment without `Demands`."""
        demands = self._ledger.demands
        if demands is None:
            return []
        head = block_number(self._ledger.web3)
        self._made |= {one.part: one for one in demands.made(self._since)}
        self._since = max(self._since, head - REORGANISED_BLOCKS)
        states = demands.states_of(list(self._made)) if self._made else []
        pairs = zip(list(self._made.items()), states, strict=True)
        opened = {part: one for (part, one), now in pairs if now.state is DemandState.OPEN}
        now = self._ledger.now()
        recent = {part: one for part, one in self._made.items() if now < one.answer_by + REMEMBERED_SECONDS}
        self._made = recent | opened
        return list(opened.values())


class Answering:
    """Shows what others demand, from a store: a validator what it attested or published, anybody else what there is."""

    def __init__(
        self, ledger: Ledger, sender: TransactionSender, store: ContentStore, participant: ParticipantId | None = None
    ) -> None:
        """`participant` is the validator; None answers for everybody."""
        self._ledger, self._sender, self._store, self._participant = ledger, sender, store, participant
        self._open = OpenDemands(ledger)
        self._search_again_at: dict[Part, int] = {}

    def step(self) -> bool:
        """Answer what can be answered now; True when something was sent.

        Raises:
            StoreUnreachable, ChainUnreachable, InsufficientFunds.
        """
        sent = False
        for demanded in self._open.read():
            if self._is_due(demanded):
                sent |= self._show(demanded.part)
        return sent

    def _is_due(self, demanded: Demanded) -> bool:
        """Whether it is this party's to answer, in time, and was not searched for in vain a moment ago."""
        if demanded.demander == self._sender.address or not self._has_signed(demanded.part):
            return False
        now = self._ledger.now()
        return self._search_again_at.get(demanded.part, 0) <= now < demanded.answer_by

    def _show(self, part: Part) -> bool:
        chunks = stored_chunks(self._ledger, self._store, part)
        if chunks is not None:
            return answer(self._ledger, self._sender, part, chunks)
        if part not in self._search_again_at and self._participant is not None:
            log.warning("%s: validator %d has to show it, and cannot find it", part, self._participant)
        self._search_again_at[part] = self._ledger.now() + SEARCH_SECONDS
        return False

    def _has_signed(self, part: Part) -> bool:
        if self._participant is None:
            return True
        publisher = self._ledger.round(part.round).record().publisher
        if part.subject is Subject.MODEL and publisher:  # where there is none, who attested the checkpoint said it
            return publisher == self._participant
        shard = self._ledger.round(part.round).shard(part.shard)
        committee, attested = shard.committee(), shard.checkpoint().attested
        return any(member == self._participant and attested >> seat & 1 for seat, member in enumerate(committee))


def answer(ledger: Ledger, sender: TransactionSender, part: Part, chunks: Sequence[bytes]) -> bool:
    """Show a part that is demanded, of a vector with these `chunks`; False when somebody was quicker, or it is late."""
    assert ledger.demands is not None
    first = part.index * PART_CHUNKS
    shown, path = chunks[first : first + PART_CHUNKS], part_path(chunks, PART_HEIGHT, part.index)
    if send_unless_overtaken(sender, ledger.demands.answer(part, shown, path)) is None:
        return False
    log.info("%s: shown, as it was demanded, for a deposit of %d wei", part, ledger.demands.deposit_wei(part))
    return True


def stored_chunks(ledger: Ledger, store: ContentStore, part: Part) -> list[bytes] | None:
    """All chunks of the vector that a part is of; None where the store does not have it.

    Raises:
        StoreUnreachable, ChainUnreachable.
    """
    round_, total, bits = ledger.round(part.round), ledger.beacon.shape().total, MODEL_LANE_BITS
    if part.subject is Subject.MODEL:
        digest = round_.record().content_digest
    else:
        shard = round_.shard(part.shard)
        accepted = shard.accepted()
        assert accepted is not None
        digest = accepted.checkpoint.content_digest
        if part.subject is Subject.UPDATE:
            digest = included_in(accepted.checkpoint, shard.reveals())[part.position].content_digest
            bits = round_.plan.parameters.format.lane_bits
    try:
        content = store.get(digest, HEADER_BYTES + packed_bytes(total, bits))
        chunks = split_leaves(pack_lanes(read_lanes(content, bits, total), bits))
    except (ContentUnusable, MalformedContent):
        return None
    return chunks if merkle_root(chunks) == part.root else None


def shown_chunks(ledger: Ledger, parts: Sequence[Part]) -> list[bytes] | None:
    """The chunks of the vector that has these parts, as answers on the chain show it; None while one is missing."""
    if ledger.demands is None:
        return None
    number = parts[0].round
    answers = ledger.demands.answered(number, ledger.round(number).opened_in)
    if not all(part.id in answers for part in parts):
        return None
    chunks = [chunk for part in parts for chunk in answers[part.id]]
    return chunks if merkle_root(chunks) == parts[0].root else None


def stands(ledger: Ledger, part: Part) -> bool:
    """Whether somebody is liable for the checkpoint or the model that a part is of."""
    if part.subject is Subject.MODEL:
        return ledger.round(part.round).is_model_liable()
    return ledger.round(part.round).shard(part.shard).checkpoint().stands
