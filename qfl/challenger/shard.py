"""What can be false in an accepted checkpoint: its list of updates, an update's norm, the aggregate."""

from collections.abc import Sequence

import numpy as np

from qfl.challenger.evidence import FalseAggregate, FalseAggregateContent, FalseUpdates, OverNorm
from qfl.challenger.opening import first_difference, lanes_in, open_chunk, update_chunks
from qfl.protocol.content import decode
from qfl.protocol.lanes import MODEL_LANE_BITS
from qfl.protocol.recompute import ShardResult, has_revealed_list, included_in
from qfl.protocol.rule import rising_order, squared_norm
from qfl.protocol.types import Checkpoint, Reveal, RoundSpec, VerifiedUpdate


def find_false_updates(checkpoint: Checkpoint, reveals: Sequence[Reveal]) -> FalseUpdates | None:
    """The proof that the checkpoint's list of updates is not the revealed one, if it is not."""
    if has_revealed_list(checkpoint, reveals):
        return None
    is_too_long = checkpoint.included.bit_length() > len(reveals)
    return FalseUpdates(checkpoint, () if is_too_long else included_in(checkpoint, reveals))


def find_over_norm(
    checkpoint: Checkpoint, spec: RoundSpec, included: Sequence[Reveal], opened: Sequence[VerifiedUpdate]
) -> OverNorm | None:
    """The first of the `opened` updates whose norm is over the bound; `included` are all that are in the list."""
    for update in opened:
        if (norm := squared_norm(update.lanes)) > spec.norm_bound:
            position = [reveal.index for reveal in included].index(update.index)
            chunks = update_chunks(update, spec.format.lane_bits)
            return OverNorm(checkpoint, included, position, chunks, update.seed, norm, spec.norm_bound)
    return None


def is_right(checkpoint: Checkpoint, result: ShardResult) -> bool:
    """Whether the checkpoint's aggregate is the one recomputed."""
    return (
        checkpoint.aggregate_root == result.checkpoint.aggregate_root
        and checkpoint.content_digest == result.checkpoint.content_digest
    )


def prove_false_aggregate(
    checkpoint: Checkpoint,
    spec: RoundSpec,
    included: Sequence[Reveal],
    *,
    opened: Sequence[VerifiedUpdate],
    result: ShardResult,
    attested: Sequence[bytes],
) -> FalseAggregate | FalseAggregateContent:
    """The smallest proof against a checkpoint whose aggregate is not right.

    Args:
        opened: All `included` updates, in that order.
        result: What they come to.
        attested: The chunks under the checkpoint's aggregate root.
    """
    expected = decode(result.content).lanes.astype(np.int32)
    claimed = lanes_in(attested, MODEL_LANE_BITS, spec.shape.total).astype(np.int32)
    if (lane := first_difference(claimed, expected)) is None:
        return FalseAggregateContent(checkpoint, attested)
    bits = spec.format.lane_bits
    return FalseAggregate(
        checkpoint,
        lane,
        included,
        [open_chunk(update_chunks(update, bits), lane, bits, update.seed) for update in opened],
        open_chunk(attested, lane, MODEL_LANE_BITS),
        rising_order(np.array([update.lanes[lane] for update in opened])),
        int(claimed[lane]),
        int(expected[lane]),
    )
