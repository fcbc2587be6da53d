"""Proofs of faults, ready to be filed: each knows its call and says in one line what it shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from qfl.chain.contracts.demands import Part
from qfl.chain.contracts.disputes import NO_SALT, Disputes, Opening
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.chunks import merkle_path
from qfl.protocol.recompute import update_leaves
from qfl.protocol.types import Checkpoint, Reveal, RoundNumber


class Evidence(Protocol):
    """A fault that the chain can recompute."""

    def call(self, disputes: Disputes) -> UnsentCall:
        """The call that proves it."""


@dataclass(frozen=True)
class FalseUpdates:
    """A checkpoint over updates that were not revealed.

    `updates` are what was revealed under the numbers it includes; none where it includes a number that no reveal has.
    """

    checkpoint: Checkpoint
    updates: Sequence[Reveal]

    def __str__(self) -> str:
        return f"{_place(self.checkpoint)}: it includes an update that nobody revealed"

    def call(self, disputes: Disputes) -> UnsentCall:
        return disputes.updates(self.checkpoint, self.updates)


@dataclass(frozen=True)
class OverNorm:
    """An included update, number `position` of `updates`, whose squared norm is over the bound."""

    checkpoint: Checkpoint
    updates: Sequence[Reveal]
    position: int
    chunks: Sequence[bytes]
    seed: bytes
    norm: int
    bound: int

    def __str__(self) -> str:
        client = self.updates[self.position].client
        return (
            f"{_place(self.checkpoint)}: the update of client {client} has squared norm {self.norm}, over {self.bound}"
        )

    def call(self, disputes: Disputes) -> UnsentCall:
        path = merkle_path(update_leaves(self.updates), self.position)
        update = self.updates[self.position]
        return disputes.norm(self.checkpoint, self.position, update, path, self.chunks, self.seed or NO_SALT)


@dataclass(frozen=True)
class FalseAggregate:
    """A shard's aggregate that says `claimed` at one coordinate, where the updates come to `expected`."""

    checkpoint: Checkpoint
    coordinate: int
    updates: Sequence[Reveal]
    openings: Sequence[Opening]
    aggregate: Opening
    claimed: int
    expected: int

    def __str__(self) -> str:
        difference = f"coordinate {self.coordinate} is {self.claimed}, the updates come to {self.expected}"
        return f"{_place(self.checkpoint)}: {difference}"

    def call(self, disputes: Disputes) -> UnsentCall:
        return disputes.aggregate(self.checkpoint, self.coordinate, self.updates, self.openings, self.aggregate)


@dataclass(frozen=True)
class FalseAggregateContent:
    """A shard's aggregate, by all its chunks, whose content is not what the checkpoint's digest says."""

    checkpoint: Checkpoint
    chunks: Sequence[bytes]

    def __str__(self) -> str:
        return f"{_place(self.checkpoint)}: its content digest is not of its aggregate"

    def call(self, disputes: Disputes) -> UnsentCall:
        return disputes.aggregate_content(self.checkpoint, self.chunks)


@dataclass(frozen=True)
class FalseModel:
    """A published model that says `claimed` at one coordinate, where base and aggregates come to `expected`."""

    round: RoundNumber
    coordinate: int
    checkpoints: Sequence[Checkpoint]
    aggregates: Sequence[Opening]
    base: Opening
    model: Opening
    claimed: int
    expected: int

    def __str__(self) -> str:
        difference = f"coordinate {self.coordinate} is {self.claimed}, the aggregates come to {self.expected}"
        return f"round {self.round}, model: {difference}"

    def call(self, disputes: Disputes) -> UnsentCall:
        return disputes.model(*(self.round, self.coordinate, self.checkpoints, self.aggregates), self.base, self.model)


@dataclass(frozen=True)
class FalseModelContent:
    """A published model, by all its chunks, whose content is not what its digest says."""

    round: RoundNumber
    chunks: Sequence[bytes]

    def __str__(self) -> str:
        return f"round {self.round}, model: its content digest is not of its lanes"

    def call(self, disputes: Disputes) -> UnsentCall:
        return disputes.model_content(self.round, self.chunks)


@dataclass(frozen=True)
class WithheldPart:
    """A part that was demanded, and that nobody showed in time."""

    part: Part

    def __str__(self) -> str:
        return f"{self.part}: it was demanded, and nobody showed it"

    def call(self, disputes: Disputes) -> UnsentCall:
        return disputes.withheld(self.part)


@dataclass(frozen=True)
class SignedCheckpoint:
    """A checkpoint that a seat's validator signed with its key number `key_index`."""

    checkpoint: Checkpoint
    seat: int
    key_index: int
    signature: bytes


@dataclass(frozen=True)
class Equivocation:
    """Two checkpoints that one seat signed in one turn."""

    one: SignedCheckpoint
    other: SignedCheckpoint

    def __str__(self) -> str:
        return f"{_place(self.one.checkpoint)}: seat {self.one.seat} signed two in turn {self.one.checkpoint.turn}"

    def call(self, disputes: Disputes) -> UnsentCall:
        one, other = self.one, self.other
        signatures = (one.key_index, one.signature), (other.key_index, other.signature)
        return disputes.equivocation(one.checkpoint, other.checkpoint, one.seat, *signatures)


def _place(checkpoint: Checkpoint) -> str:
    return f"round {checkpoint.round}, checkpoint of shard {checkpoint.shard}"
