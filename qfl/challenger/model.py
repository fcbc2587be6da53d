"""What can be false in a published model: it is not what its base and the round's checkpoints come to."""

import numpy as np

from qfl.challenger.evidence import FalseModel, UnopenedModel
from qfl.challenger.opening import MODEL_LANE_BITS, chunks_of, first_difference, lanes_under, open_chunk
from qfl.protocol.recompute import NextModel


def prove_false_model(model_root: bytes, expected: NextModel, claimed: bytes | None) -> FalseModel | UnopenedModel:
    """The smallest proof against a published model that is not right.

    Args:
        model_root: The published root.
        expected: The model that should have been, and what it follows from, by rising shard.
        claimed: What is stored under the published content digest; None when it cannot be had.
    """
    number, checkpoints = expected.checkpoints[0].round, expected.checkpoints
    published = lanes_under(model_root, claimed or b"", expected.model.shape.total)
    right = expected.model.lanes.astype(np.int32)
    base_chunks = chunks_of(expected.base.lanes, MODEL_LANE_BITS)
    chunks = [chunks_of(aggregate.lanes, MODEL_LANE_BITS) for aggregate in expected.aggregates]
    lane = None if published is None else first_difference(published, right)
    if published is None or lane is None:
        return UnopenedModel(number, checkpoints, base_chunks, chunks)
    return FalseModel(
        number,
        lane,
        checkpoints,
        [open_chunk(lanes, lane, MODEL_LANE_BITS) for lanes in chunks],
        open_chunk(base_chunks, lane, MODEL_LANE_BITS),
        open_chunk(chunks_of(published, MODEL_LANE_BITS), lane, MODEL_LANE_BITS),
        int(published[lane]),
        int(right[lane]),
    )
