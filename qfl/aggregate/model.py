"""The next global model: a deterministic function of the base model and the round's checkpoints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qfl.aggregate.rule import apply_global
from qfl.codec.content import HEADER_BYTES, Content, ContentKind, decode, encode, lanes_root
from qfl.errors import MalformedContent, ModelRejected
from qfl.storage.store import ContentStore
from qfl.types import CheckpointData, LaneFormat, ModelShape, RoundNumber

NO_BASE = bytes(32)
"""Base root of the genesis model."""


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


def compute_next_model(
    round_number: RoundNumber,
    base: Content,
    checkpoints: Sequence[CheckpointData],
    aggregates: Sequence[Content],
    lane_format: LaneFormat,
) -> Content:
    """Add the mean of the shard means, weighted by their counts, to the base model."""
    counts = [checkpoint.count for checkpoint in checkpoints]
    means = [aggregate.lanes for aggregate in aggregates]
    return model_content(
        round_number,
        apply_global(base.lanes, means, counts, base.shape, lane_format),
        base.shape,
        lanes_root(base),
    )


def model_content(
    round_number: RoundNumber, state: NDArray[np.int32], shape: ModelShape, base_root: bytes = NO_BASE
) -> Content:
    """A model's content object; `state` is int32 of shape `[d]`."""
    return Content(
        kind=ContentKind.MODEL,
        lane_bits=32,
        round=round_number,
        shard=0,
        count=0,
        author=0,
        shape=shape,
        base_root=base_root,
        lanes=state,
    )


def encode_model(content: Content) -> bytes:
    """The bytes that are stored and published."""
    return encode(content)


def _decoded(data: bytes, round_number: RoundNumber) -> Content:
    try:
        return decode(data)
    except MalformedContent as error:
        raise ModelRejected(round_number, error.reason) from error
