"""Typed access to `contracts/Disputes.sol`; what each function does is said in `IDisputes.sol`."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from qfl.chain.contracts.base import BoundContract, view
from qfl.chain.contracts.demands import Part
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.types import Checkpoint, ParticipantId, Reveal, RoundNumber, ShardIndex

NO_SALT = bytes(32)
"""Stands where the transparent mode has no salt and no seed; in the private one it is a value like any other."""


class Fault(IntEnum):
    """`Fault` of IDisputes.sol."""

    AGGREGATE = 0
    UPDATES = 1
    NORM = 2
    MODEL = 3
    EQUIVOCATION = 4
    WITHHELD = 5
    MIRROR = 6


@dataclass(frozen=True)
class Opening:
    """`Opening` of IDisputes.sol: 32 bytes of lanes, the salt of their leaf, and its siblings from the leaf up."""

    data: bytes
    salt: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class ProvenFault:
    """A `FaultProven` event. `shard` is 0 for a model; `guilty` are the validators that were slashed."""

    fault: Fault
    round: RoundNumber
    shard: ShardIndex
    challenger: str
    guilty: tuple[ParticipantId, ...]
    taken_wei: int
    tx_hash: str


class Disputes(BoundContract):
    """Fault proofs, each recomputed on chain."""

    abi_name = "Disputes"

    # --- writes ---

    def aggregate(
        self,
        checkpoint: Checkpoint,
        coordinate: int,
        updates: Sequence[Reveal],
        first: int,
        openings: Sequence[Opening],
        aggregate: Opening,
        order: bytes,
    ) -> UnsentCall:
        """Prove that one coordinate of a shard's aggregate is wrong; `openings` are of updates `first` and on."""
        arguments = [checkpoint, coordinate, updates, first, openings, aggregate, order]
        return self._write("disputeAggregate", *arguments, round_number=checkpoint.round)

    def open_lanes(
        self,
        checkpoint: Checkpoint,
        coordinate: int,
        updates: Sequence[Reveal],
        first: int,
        openings: Sequence[Opening],
    ) -> UnsentCall:
        """Keep the lanes of updates `first` and on for `aggregate`."""
        arguments = [checkpoint, coordinate, updates, first, openings]
        return self._write("openLanes", *arguments, round_number=checkpoint.round)

    def aggregate_content(self, checkpoint: Checkpoint, chunks: Sequence[bytes]) -> UnsentCall:
        """Prove that a shard's aggregate is not what its content digest says, by all its chunks."""
        return self._write("disputeAggregateContent", checkpoint, chunks, round_number=checkpoint.round)

    def updates(self, checkpoint: Checkpoint, updates: Sequence[Reveal]) -> UnsentCall:
        """Prove that a checkpoint includes what nobody revealed."""
        return self._write("disputeUpdates", checkpoint, updates, round_number=checkpoint.round)

    def norm(
        self,
        checkpoint: Checkpoint,
        position: int,
        update: Reveal,
        path: Sequence[bytes],
        chunks: Sequence[bytes],
        seed: bytes,
    ) -> UnsentCall:
        """Prove that the included update at `position` is over the norm bound."""
        arguments = [checkpoint, position, update, path, chunks, seed]
        return self._write("disputeNorm", *arguments, round_number=checkpoint.round)

    def model(
        self,
        round_number: RoundNumber,
        coordinate: int,
        checkpoints: Sequence[Checkpoint],
        aggregates: Sequence[Opening],
        base: Opening,
        model: Opening,
    ) -> UnsentCall:
        """Prove that one coordinate of a published model is wrong."""
        arguments = [round_number, coordinate, checkpoints, aggregates, base, model]
        return self._write("disputeModel", *arguments, round_number=round_number)

    def sum_aggregates(
        self,
        round_number: RoundNumber,
        coordinate: int,
        checkpoints: Sequence[Checkpoint],
        aggregates: Sequence[Opening],
    ) -> UnsentCall:
        """Sum up some of a round's aggregates for `model`."""
        arguments = [round_number, coordinate, checkpoints, aggregates]
        return self._write("sumAggregates", *arguments, round_number=round_number)

    def model_content(self, round_number: RoundNumber, chunks: Sequence[bytes]) -> UnsentCall:
        """Prove that a published model is not what its content digest says, by all its chunks."""
        return self._write("disputeModelContent", round_number, chunks, round_number=round_number)

    def withheld(self, part: Part) -> UnsentCall:
        """Prove that a part was demanded and not shown in time."""
        return self._write("disputeWithheld", part, round_number=part.round)

    def equivocation(
        self,
        one: Checkpoint,
        other: Checkpoint,
        seat: int,
        signed_one: tuple[int, bytes],
        signed_other: tuple[int, bytes],
    ) -> UnsentCall:
        """Prove that a seat signed two checkpoints in one turn; each by (number of the validator's key, signature)."""
        arguments = [one, other, seat, *signed_one, *signed_other]
        return self._write("disputeEquivocation", *arguments, round_number=one.round)

    # --- reads ---

    equivocated = view(int, "equivocated", RoundNumber, ShardIndex)
    """The seats of a committee that were slashed for equivocation: bit i is seat i."""

    # --- events ---

    def proven(self, from_block: int, round_number: RoundNumber | None = None) -> list[ProvenFault]:
        """The faults proven since a block, oldest first; of one round, or of all."""
        return self._events(ProvenFault, "FaultProven", from_block, round=round_number)
