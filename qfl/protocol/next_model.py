"""The next global model: a deterministic function of the base model and the round's checkpoints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qfl.protocol.content import Content, ContentKind, encode, lanes_root
from qfl.protocol.rule import apply_global
from qfl.protocol.types import CheckpointData, LaneFormat, ModelShape, RoundNumber

NO_BASE = bytes(32)
"""Base root of the genesis model."""


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
