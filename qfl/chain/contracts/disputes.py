"""Typed access to `contracts/Disputes.sol`; what each function does is said in `IDisputes.sol`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from qfl.chain.contracts.base import BoundContract
from qfl.chain.contracts.beacon import as_tuple
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.types import CheckpointData, ParticipantId, Revealed, RoundNumber, ShardIndex

NO_SALT = bytes(32)
"""Stands where the transparent mode has no salt and no seed; in the private one it is a value like any other."""


class Fault(IntEnum):
    """`Fault` of IDisputes.sol."""

    AGGREGATE = 0
    UPDATES = 1
    NORM = 2
    MODEL = 3
    EQUIVOCATION = 4


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
        checkpoint: CheckpointData,
        coordinate: int,
        updates: Sequence[Revealed],
        openings: Sequence[Opening],
        aggregate: Opening,
    ) -> UnsentCall:
        """Prove that one coordinate of a shard's aggregate is wrong."""
        chunks = [_opening(opening) for opening in openings]
        arguments = [as_tuple(checkpoint), coordinate, _revealed(updates), chunks, _opening(aggregate)]
        return self._dispute("Aggregate", arguments, checkpoint.round)

    def whole_aggregate(
        self,
        checkpoint: CheckpointData,
        updates: Sequence[Revealed],
        lanes: Sequence[Sequence[bytes]],
        seeds: Sequence[bytes],
    ) -> UnsentCall:
        """Prove that a shard's aggregate is wrong by all the chunks of the updates, and the seeds of their salts."""
        arguments = [as_tuple(checkpoint), _revealed(updates), lanes, seeds]
        return self._dispute("WholeAggregate", arguments, checkpoint.round)

    def updates(self, checkpoint: CheckpointData, updates: Sequence[Revealed]) -> UnsentCall:
        """Prove that a checkpoint includes what nobody revealed."""
        return self._dispute("Updates", [as_tuple(checkpoint), _revealed(updates)], checkpoint.round)

    def norm(
        self,
        checkpoint: CheckpointData,
        position: int,
        update: Revealed,
        path: Sequence[bytes],
        chunks: Sequence[bytes],
        seed: bytes,
    ) -> UnsentCall:
        """Prove that the included update at `position` is over the norm bound."""
        arguments = [as_tuple(checkpoint), position, _revealed([update])[0], path, chunks, seed]
        return self._dispute("Norm", arguments, checkpoint.round)

    def model(
        self,
        round_number: RoundNumber,
        coordinate: int,
        checkpoints: Sequence[CheckpointData],
        aggregates: Sequence[Opening],
        base: Opening,
        model: Opening,
    ) -> UnsentCall:
        """Prove that one coordinate of a published model is wrong."""
        accepted = [as_tuple(checkpoint) for checkpoint in checkpoints]
        chunks = [_opening(aggregate) for aggregate in aggregates]
        arguments = [round_number, coordinate, accepted, chunks, _opening(base), _opening(model)]
        return self._dispute("Model", arguments, round_number)

    def whole_model(
        self,
        round_number: RoundNumber,
        checkpoints: Sequence[CheckpointData],
        base: Sequence[bytes],
        aggregates: Sequence[Sequence[bytes]],
    ) -> UnsentCall:
        """Prove that a published model is wrong by all the chunks of its base and of the aggregates."""
        accepted = [as_tuple(checkpoint) for checkpoint in checkpoints]
        return self._dispute("WholeModel", [round_number, accepted, base, aggregates], round_number)

    def equivocation(
        self,
        one: CheckpointData,
        other: CheckpointData,
        seat: int,
        signed_one: tuple[int, bytes],
        signed_other: tuple[int, bytes],
    ) -> UnsentCall:
        """Prove that a seat signed two checkpoints in one turn; each by (number of the validator's key, signature)."""
        arguments = [as_tuple(one), as_tuple(other), seat, *signed_one, *signed_other]
        return self._dispute("Equivocation", arguments, one.round)

    # --- reads ---

    def equivocated(self, round_number: RoundNumber, shard: ShardIndex) -> int:
        """The seats of a committee that were slashed for equivocation: bit i is seat i."""
        return int(self._read("equivocated", round_number, shard))

    # --- events ---

    def proven(self, from_block: int, round_number: RoundNumber | None = None) -> list[ProvenFault]:
        """The faults proven since a block, oldest first; of one round, or of all."""
        filters = {} if round_number is None else {"round": round_number}
        return [
            ProvenFault(
                Fault(event["args"]["fault"]),
                RoundNumber(event["args"]["round"]),
                ShardIndex(event["args"]["shard"]),
                event["args"]["challenger"],
                tuple(ParticipantId(validator) for validator in event["args"]["guilty"]),
                event["args"]["takenWei"],
                event["transactionHash"].to_0x_hex(),
            )
            for event in self._events("FaultProven", from_block, **filters)
        ]

    def _dispute(self, what: str, arguments: Sequence[object], round_number: RoundNumber) -> UnsentCall:
        label = "dispute_" + what.replace("Whole", "whole_").lower()
        return self._write(label, f"dispute{what}", arguments, round_number=round_number)


def _opening(opening: Opening) -> tuple[object, ...]:
    return opening.data, opening.salt, list(opening.path)


def _revealed(updates: Sequence[Revealed]) -> list[tuple[object, ...]]:
    return [(update.client, update.update_root, update.content_digest) for update in updates]
