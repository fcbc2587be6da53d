"""Publishing the next model: anyone bonded may, the result is the same, and it is open to challenge."""

from __future__ import annotations

from qfl.aggregate.model import compute_next_model, fetch_aggregate
from qfl.chain.ledger import Ledger
from qfl.codec.content import Content
from qfl.roles.terms import read_base
from qfl.storage.store import ContentStore
from qfl.types import RoundNumber, ShardIndex


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
