"""What rounds are made of, fetched and checked against what the chain says: base, updates, aggregates, models.

The twin of `qfl.protocol.recompute`, with a chain and a content store: seats, publishers, challengers and auditors all
read by it.
"""

from collections.abc import Sequence

from qfl.chain.ledger import Ledger
from qfl.chain.rounds import ShardRound
from qfl.crypto.kem import KemKey
from qfl.errors import MalformedContent, ModelRejected, UpdateRejected
from qfl.node.encryption import read_opener
from qfl.node.updates import Check, fetch_updates, verify_update
from qfl.protocol.content import HEADER_BYTES, Content, ContentKind, decode, lanes_root
from qfl.protocol.recompute import NextModel, expected_model
from qfl.protocol.types import Checkpoint, ModelShape, Reveal, RoundNumber, RoundSpec, VerifiedUpdate
from qfl.storage.store import ContentStore


def recompute_model(
    ledger: Ledger,
    store: ContentStore,
    round_number: RoundNumber,
    accepted: Sequence[Checkpoint] | None = None,
    base: Content | None = None,
) -> NextModel:
    """The model that follows from a round's base and its accepted checkpoints, read here unless they are given.

    Raises ModelRejected, StorageError.
    """
    round_ = ledger.round(round_number)
    if base is None:
        base = read_base(ledger, store, round_number)
    if accepted is None:
        accepted = [entry.checkpoint for entry in round_.accepted_in_order()]
    parameters = round_.plan.parameters
    if any(checkpoint.parameters_hash != parameters.hash for checkpoint in accepted):
        raise ModelRejected(round_number, "its checkpoints are of other parameters")
    checkpoints = sorted(accepted, key=lambda checkpoint: checkpoint.shard)
    aggregates = [fetch_aggregate(store, checkpoint, base.shape) for checkpoint in checkpoints]
    return expected_model(round_number, base, checkpoints, aggregates, parameters.format)


def read_carrying_base(part: ShardRound, store: ContentStore) -> Content | None:
    """The base of a round whose checkpoint carries the next model; None where it does not. Raises as `read_model`."""
    plan = part.round.plan
    return read_base(part.ledger, store, part.round.number) if plan.parameters.carries_model else None


def read_updates(
    part: ShardRound,
    spec: RoundSpec,
    store: ContentStore,
    reveals: Sequence[Reveal],
    keys: Sequence[KemKey] = (),
    check: Check = verify_update,
) -> tuple[list[VerifiedUpdate], list[UpdateRejected]] | None:
    """Fetch, open and check updates of a shard's round by its `spec`; None when they are sealed, and to none of `keys`.

    Raises StoreUnreachable: as `fetch_updates`.
    """
    opener = read_opener(part, store, keys)
    return None if opener is None else fetch_updates(reveals, store, spec, opener, check)


def read_model(ledger: Ledger, store: ContentStore, round_number: RoundNumber) -> Content:
    """The model that a round published (0: genesis), checked against the beacon. Raises ModelRejected, StorageError."""
    record = ledger.beacon.round_at(round_number)
    return fetch_model(store, round_number, record.model_root, record.content_digest, ledger.beacon.shape())


def read_base(ledger: Ledger, store: ContentStore, round_number: RoundNumber) -> Content:
    """The model that a round trains on, checked against the beacon; raises as `read_model`."""
    plan = ledger.round(round_number).plan
    return fetch_model(store, plan.base_round, plan.base_root, plan.base_digest, ledger.beacon.shape())


def fetch_model(
    store: ContentStore, round_number: RoundNumber, root: bytes, digest: bytes, shape: ModelShape
) -> Content:
    """Fetch the model that `round_number` published, and check it against the beacon's root.

    Raises ModelRejected: the bytes are not that model; StorageError: they cannot be had.
    """
    content = _fetch(store, round_number, digest, shape)
    if content.kind is not ContentKind.MODEL or content.shape != shape:
        raise ModelRejected(round_number, f"its kind is {content.kind.name.lower()}, its shape {content.shape}")
    if lanes_root(content) != root:
        raise ModelRejected(round_number, "its lanes do not have the published root")
    return content


def fetch_aggregate(store: ContentStore, checkpoint: Checkpoint, shape: ModelShape) -> Content:
    """Fetch a shard's aggregate, and check it against its checkpoint. Raises ModelRejected, StorageError."""
    content = _fetch(store, checkpoint.round, checkpoint.content_digest, shape)
    if content.kind is not ContentKind.AGGREGATE or content.shape != shape:
        what = f"the kind {content.kind.name.lower()} and the shape {content.shape}"
        raise ModelRejected(checkpoint.round, f"the aggregate of shard {checkpoint.shard} has {what}")
    if lanes_root(content) != checkpoint.aggregate_root:
        raise ModelRejected(checkpoint.round, f"the aggregate of shard {checkpoint.shard} has another root")
    return content


def _fetch(store: ContentStore, round_number: RoundNumber, digest: bytes, shape: ModelShape) -> Content:
    try:
        return decode(store.get(digest, HEADER_BYTES + 4 * shape.total))
    except MalformedContent as error:
        raise ModelRejected(round_number, error.reason) from error
