"""What the beacon asks of a round's updates, and the models behind it."""

from __future__ import annotations

from qfl.aggregate.model import fetch_model
from qfl.chain.ledger import Ledger
from qfl.codec.content import Content
from qfl.committee.updates import Terms
from qfl.storage.store import ContentStore
from qfl.types import RoundNumber, ShardIndex


def read_terms(ledger: Ledger, round_number: RoundNumber, shard: ShardIndex) -> Terms:
    """The terms of one shard in one round."""
    plan = ledger.plan(round_number)
    parameters = plan.parameters
    return Terms(
        round_number,
        shard,
        plan.base_root,
        ledger.beacon.shape(),
        parameters.format,
        parameters.trim_bps,
        parameters.norm_bound,
    )


def read_model(ledger: Ledger, store: ContentStore, round_number: RoundNumber) -> Content:
    """The model that a round published (0: genesis), checked against the beacon.

    Raises:
        ModelRejected, StorageError.
    """
    record = ledger.beacon.round_at(round_number)
    return fetch_model(store, round_number, record.model_root, record.content_digest, ledger.beacon.shape())


def read_base(ledger: Ledger, store: ContentStore, round_number: RoundNumber) -> Content:
    """The model that a round trains on, checked against the beacon; raises as `read_model`."""
    plan = ledger.plan(round_number)
    return fetch_model(store, plan.base_round, plan.base_root, plan.base_digest, ledger.beacon.shape())
