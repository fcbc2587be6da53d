"""What can be false in an accepted checkpoint: its list of updates, an update's norm, the aggregate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qfl.aggregate.rule import squared_norm
from qfl.challenge.evidence import FalseAggregate, FalseUpdates, OverNorm, UnopenedAggregate
from qfl.challenge.opening import MODEL_LANE_BITS, chunks_of, first_difference, lanes_under, open_chunk
from qfl.codec.chunks import merkle_root
from qfl.codec.content import decode
from qfl.committee.result import ShardResult, update_leaves
from qfl.committee.updates import Terms, VerifiedUpdate
from qfl.types import CheckpointData, Revealed


def included_in(checkpoint: CheckpointData, reveals: Sequence[Revealed]) -> list[Revealed]:
    """The reveals that a checkpoint includes; `reveals` are all of the shard's, by number."""
    return [reveal for reveal in reveals if checkpoint.included >> reveal.index & 1]


def find_false_updates(checkpoint: CheckpointData, reveals: Sequence[Revealed]) -> FalseUpdates | None:
    """Whether the checkpoint's list of updates is the revealed one; `reveals` are all of the shard's, by number."""
    if checkpoint.included.bit_length() > len(reveals):
        return FalseUpdates(checkpoint, ())
    included = included_in(checkpoint, reveals)
    if merkle_root(update_leaves(included)) != checkpoint.updates_root:
        return FalseUpdates(checkpoint, included)
    return None


def find_over_norm(
    checkpoint: CheckpointData, terms: Terms, included: Sequence[Revealed], opened: Sequence[VerifiedUpdate]
) -> OverNorm | None:
    """The first of the `opened` updates whose norm is over the bound; `included` are all that are in the list."""
    for update in opened:
        if (norm := squared_norm(update.lanes)) > terms.norm_bound:
            position = [reveal.index for reveal in included].index(update.index)
            chunks = chunks_of(update.lanes, terms.format.lane_bits)
            return OverNorm(checkpoint, included, position, chunks, update.seed, norm, terms.norm_bound)
    return None


def is_right(checkpoint: CheckpointData, result: ShardResult) -> bool:
    """Whether the checkpoint's aggregate is the one recomputed."""
    return (
        checkpoint.aggregate_root == result.checkpoint.aggregate_root
        and checkpoint.content_digest == result.checkpoint.content_digest
    )


def prove_false_aggregate(
    checkpoint: CheckpointData,
    terms: Terms,
    included: Sequence[Revealed],
    opened: Sequence[VerifiedUpdate],
    result: ShardResult,
    claimed: bytes | None,
) -> FalseAggregate | UnopenedAggregate:
    """The smallest proof against a checkpoint whose aggregate is not right.

    Args:
        opened: All `included` updates, in that order.
        result: What they come to.
        claimed: What is stored under the checkpoint's content digest; None when it cannot be had.
    """
    expected = decode(result.content).lanes.astype(np.int32)
    attested = lanes_under(checkpoint.aggregate_root, claimed or b"", terms.shape.total)
    bits = terms.format.lane_bits
    chunks = [chunks_of(update.lanes, bits) for update in opened]
    lane = None if attested is None else first_difference(attested, expected)
    if attested is None or lane is None:
        return UnopenedAggregate(checkpoint, included, chunks, [update.seed for update in opened])
    pairs = zip(chunks, opened, strict=True)
    return FalseAggregate(
        checkpoint,
        lane,
        included,
        [open_chunk(lanes, lane, bits, update.seed) for lanes, update in pairs],
        open_chunk(chunks_of(attested, MODEL_LANE_BITS), lane, MODEL_LANE_BITS),
        int(attested[lane]),
        int(expected[lane]),
    )
