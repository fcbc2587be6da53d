"""What a shard's committee must attest, and what a round must publish: functions of what was revealed, and no more.

The seat that signs, the validator that publishes, the challenger and the auditor all ask here, so honest ones agree to
the bit. `qfl.node.recompute` fetches what the answers are made of.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qfl.errors import ModelRejected
from qfl.protocol.chunks import merkle_root, update_leaf
from qfl.protocol.content import Content, ContentKind, content_digest, encode, lanes_root
from qfl.protocol.digests import reveals_hash
from qfl.protocol.rule import aggregate_shard, apply_global
from qfl.protocol.types import Checkpoint, LaneFormat, ModelShape, Reveal, RoundNumber, RoundSpec, VerifiedUpdate

NO_BASE = bytes(32)
"""Base root of the genesis model."""


@dataclass(frozen=True)
class ShardResult:
    """What a seat proposes or expects: the checkpoint, the aggregate's content object, and the next model if it is
    carried."""

    checkpoint: Checkpoint
    content: bytes
    model: Content | None = None

    @property
    def contents(self) -> list[bytes]:
        """Every content object that the checkpoint names."""
        return [self.content] if self.model is None else [self.content, encode(self.model)]


@dataclass(frozen=True)
class NextModel:
    """What a round publishes: the model that its `base` and the `aggregates` of its `checkpoints` come to."""

    base: Content
    checkpoints: Sequence[Checkpoint]
    aggregates: Sequence[Content]
    model: Content

    @cached_property
    def content(self) -> bytes:
        """The model's content object."""
        return encode(self.model)

    def is_published_as(self, model_root: bytes, digest: bytes) -> bool:
        """Whether root and content digest of what was published are this model's."""
        return (model_root, digest) == (lanes_root(self.model), content_digest(self.content))


def expected_checkpoint(
    spec: RoundSpec,
    turn: int,
    included: Iterable[VerifiedUpdate],
    reveals: Sequence[Reveal],
    base: Content | None = None,
) -> ShardResult:
    """Aggregate the `included` updates (at least one, in any order) into the checkpoint of proposer `turn`.

    `reveals` are all of the shard's, by number, included or not. `base` is given where the shard is the only one of the
    round: its checkpoint carries the next model.
    """
    updates = sorted(included, key=lambda update: update.index)
    content = Content(
        kind=ContentKind.AGGREGATE,
        lane_bits=32,
        round=spec.round,
        shard=spec.shard,
        count=len(updates),
        author=0,
        shape=spec.shape,
        base_root=spec.base_root,
        lanes=aggregate_shard([update.lanes for update in updates], spec.trim_bps),
    )
    data = encode(content)
    checkpoint = Checkpoint(
        spec.round,
        spec.shard,
        turn,
        len(updates),
        spec.base_root,
        sum(1 << update.index for update in updates),
        merkle_root(update_leaves(updates)),
        lanes_root(content),
        content_digest(data),
        reveals_hash(reveals),
        spec.parameters_hash,
    )
    if base is None:
        return ShardResult(checkpoint, data)
    model = expected_model(spec.round, base, [checkpoint], [content], spec.format).model
    carrying = replace(checkpoint, model_root=lanes_root(model), model_digest=content_digest(encode(model)))
    return ShardResult(carrying, data, model)


def expected_model(
    round_number: RoundNumber,
    base: Content,
    checkpoints: Sequence[Checkpoint],
    aggregates: Sequence[Content],
    lane_format: LaneFormat,
) -> NextModel:
    """Add the mean of the shard means, weighted by their counts, to the base model.

    Raises ModelRejected: the checkpoints are not based on it.
    """
    if any(checkpoint.base_root != lanes_root(base) for checkpoint in checkpoints):
        raise ModelRejected(round_number, "its checkpoints are based on another model")
    counts, means = [checkpoint.count for checkpoint in checkpoints], [aggregate.lanes for aggregate in aggregates]
    state = apply_global(base.lanes, means, counts, base.shape, lane_format)
    return NextModel(base, checkpoints, aggregates, model_content(round_number, state, base.shape, lanes_root(base)))


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


def update_leaves(updates: Iterable[VerifiedUpdate | Reveal]) -> list[bytes]:
    """The leaves of `Checkpoint.updatesRoot`; a reward claim takes its `merkle_path` from them."""
    return [update_leaf(u.client, u.update_root, u.content_digest) for u in updates]


def included_in(checkpoint: Checkpoint, reveals: Sequence[Reveal]) -> list[Reveal]:
    """The reveals that a checkpoint includes; `reveals` are all of the shard's, by number."""
    return [reveal for reveal in reveals if checkpoint.included >> reveal.index & 1]


def has_revealed_list(checkpoint: Checkpoint, reveals: Sequence[Reveal]) -> bool:
    """Whether the checkpoint's list of updates is the revealed one; `reveals` are all of the shard's, by number."""
    if not 0 < checkpoint.included.bit_length() <= len(reveals):
        return False
    return merkle_root(update_leaves(included_in(checkpoint, reveals))) == checkpoint.updates_root
