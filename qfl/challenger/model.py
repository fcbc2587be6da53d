"""What can be false in a published model: it is not what its base and the round's checkpoints come to."""

from collections.abc import Sequence

import numpy as np

from qfl.challenger.evidence import FalseModel, FalseModelContent
from qfl.challenger.opening import chunks_of, first_difference, lanes_in, open_chunk
from qfl.protocol.lanes import MODEL_LANE_BITS
from qfl.protocol.recompute import NextModel


def prove_false_model(expected: NextModel, published: Sequence[bytes]) -> FalseModel | FalseModelContent:
    """The smallest proof against a published model that is not right.

    Args:
        expected: The model that should have been, and what it follows from, by rising shard.
        published: The chunks under the published root.
    """
    number, checkpoints = expected.checkpoints[0].round, expected.checkpoints
    right = expected.model.lanes.astype(np.int32)
    claimed = lanes_in(published, MODEL_LANE_BITS, expected.model.shape.total).astype(np.int32)
    if (lane := first_difference(claimed, right)) is None:
        return FalseModelContent(number, published)
    aggregates = [chunks_of(aggregate.lanes, MODEL_LANE_BITS) for aggregate in expected.aggregates]
    return FalseModel(
        number,
        lane,
        checkpoints,
        [open_chunk(chunks, lane, MODEL_LANE_BITS) for chunks in aggregates],
        open_chunk(chunks_of(expected.base.lanes, MODEL_LANE_BITS), lane, MODEL_LANE_BITS),
        open_chunk(published, lane, MODEL_LANE_BITS),
        int(claimed[lane]),
        int(right[lane]),
    )
