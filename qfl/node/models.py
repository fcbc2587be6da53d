"""The models that a round is about: fetched, and checked against what the beacon says of them."""

from __future__ import annotations

from qfl.chain.ledger import Ledger
from qfl.errors import MalformedContent, ModelRejected
from qfl.protocol.content import HEADER_BYTES, Content, ContentKind, decode, lanes_root
from qfl.protocol.types import CheckpointData, ModelShape, RoundNumber
from qfl.storage.store import ContentStore


def fetch_model(
    store: ContentStore, round_number: RoundNumber, root: bytes, digest: bytes, shape: ModelShape
) -> Content:
    """Fetch the model that `round_number` published, and check it against the beacon's root.

    Raises:
        ModelRejected: the bytes are not that model.
        StorageError: they cannot be had.
    """
    content = _decoded(store.get(digest, HEADER_BYTES + 4 * shape.total), round_number)
    if content.kind is not ContentKind.MODEL or content.shape != shape:
        raise ModelRejected(round_number, f"its kind is {content.kind.name.lower()}, its shape {content.shape}")
    if lanes_root(content) != root:
        raise ModelRejected(round_number, "its lanes do not have the published root")
    return content


def fetch_aggregate(store: ContentStore, checkpoint: CheckpointData, shape: ModelShape) -> Content:
    """Fetch a shard's aggregate, and check it against its checkpoint.

    Raises:
        ModelRejected, StorageError.
    """
    content = _decoded(store.get(checkpoint.content_digest, HEADER_BYTES + 4 * shape.total), checkpoint.round)
    if content.kind is not ContentKind.AGGREGATE or content.shape != shape:
        what = f"the kind {content.kind.name.lower()} and the shape {content.shape}"
        raise ModelRejected(checkpoint.round, f"the aggregate of shard {checkpoint.shard} has {what}")
    if lanes_root(content) != checkpoint.aggregate_root:
        raise ModelRejected(checkpoint.round, f"the aggregate of shard {checkpoint.shard} has another root")
    return content


def _decoded(data: bytes, round_number: RoundNumber) -> Content:
    try:
        return decode(data)
    except MalformedContent as error:
        raise ModelRejected(round_number, error.reason) from error


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
