"""What cannot be had and somebody has signed for: the parts of it, and the calls that demand them."""

from collections.abc import Sequence
from dataclasses import dataclass

from qfl.chain.contracts.beacon import RoundRecord
from qfl.chain.contracts.demands import Demands, Part, Subject
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.chunks import CHUNK_BYTES, merkle_path
from qfl.protocol.lanes import MODEL_LANE_BITS, packed_bytes
from qfl.protocol.recompute import update_leaves
from qfl.protocol.types import Checkpoint, Reveal, RoundSpec, ShardIndex


@dataclass(frozen=True)
class Wanted:
    """A vector that a proof takes: `parts` are all of it; the checkpoint and its `included` updates, unless a model."""

    parts: Sequence[Part]
    checkpoint: Checkpoint | None = None
    included: Sequence[Reveal] = ()

    def demand(self, demands: Demands, part: Part) -> UnsentCall:
        """The call that demands one of the parts."""
        if self.checkpoint is None:
            return demands.model(part)
        if part.subject is Subject.AGGREGATE:
            return demands.aggregate(self.checkpoint, part)
        path = merkle_path(update_leaves(self.included), part.position)
        return demands.update(self.checkpoint, part.position, self.included[part.position], path=path, part=part)


class Withheld(Exception):
    """Something cannot be recomputed, as what is `wanted` is neither stored nor shown on the chain."""

    def __init__(self, wanted: Sequence[Wanted]) -> None:
        super().__init__("; ".join(str(vector.parts[0]) for vector in wanted))
        self.wanted = wanted


def wanted_update(checkpoint: Checkpoint, spec: RoundSpec, included: Sequence[Reveal], position: int) -> Wanted:
    """The included update at `position`."""
    root, chunks = included[position].update_root, _chunks(spec.shape.total, spec.format.lane_bits)
    part = Part(Subject.UPDATE, checkpoint.round, checkpoint.shard, position, 0, chunks, root)
    return Wanted(part.siblings(), checkpoint, included)


def wanted_aggregate(checkpoint: Checkpoint, coordinates: int) -> Wanted:
    """A checkpoint's aggregate."""
    root, chunks = checkpoint.aggregate_root, _chunks(coordinates, MODEL_LANE_BITS)
    part = Part(Subject.AGGREGATE, checkpoint.round, checkpoint.shard, 0, 0, chunks, root)
    return Wanted(part.siblings(), checkpoint)


def wanted_model(record: RoundRecord, coordinates: int) -> Wanted:
    """A published model."""
    chunks = _chunks(coordinates, MODEL_LANE_BITS)
    return Wanted(Part(Subject.MODEL, record.number, ShardIndex(0), 0, 0, chunks, record.model_root).siblings())


def _chunks(coordinates: int, lane_bits: int) -> int:
    return -(-packed_bytes(coordinates, lane_bits) // CHUNK_BYTES)
