"""Publishing the next model: anyone bonded may, the result is the same, and it is open to challenge."""

from __future__ import annotations

from qfl.chain.ledger import Ledger
from qfl.node.models import fetch_aggregate, read_base
from qfl.protocol.content import Content
from qfl.protocol.next_model import compute_next_model
from qfl.protocol.types import RoundNumber, ShardIndex
from qfl.storage.store import ContentStore


def compute_publication(ledger: Ledger, store: ContentStore, round_number: RoundNumber) -> Content:
    """The model that follows from a round's base and its accepted checkpoints.

    Raises:
        ModelRejected, StorageError.
    """
    base = read_base(ledger, store, round_number)
    accepted = [
        entry.checkpoint
        for entry in ledger.beacon.accepted(round_number, ledger.opened_in(round_number))
        if ledger.beacon.checkpoint_at(round_number, ShardIndex(entry.checkpoint.shard)).stands
    ]
    aggregates = [fetch_aggregate(store, checkpoint, base.shape) for checkpoint in accepted]
    return compute_next_model(round_number, base, accepted, aggregates, ledger.plan(round_number).parameters.format)
