"""Proofs of faults, ready to be filed: each knows its calls and says in one line what it shows."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

from qfl.chain.contracts.demands import Part
from qfl.chain.contracts.disputes import NO_SALT, Disputes, Opening
from qfl.chain.contracts.mirror_faults import MirrorFaults
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.chunks import merkle_path
from qfl.protocol.recompute import update_leaves
from qfl.protocol.types import Checkpoint, MirrorMessage, Reveal, RoundNumber

MOST_BYTES = 96 * 1024
"""Calldata of a proof's transaction: nodes take 128 KiB."""
WORD = 32
UPDATE_BYTES = 3 * WORD
HEAD_BYTES = 1024
"""More than the selector, a checkpoint, and where the rest begins."""


class Evidence(Protocol):
    """A fault that the chain can recompute."""

    def parts(self, disputes: Disputes) -> Sequence[UnsentCall]:
        """The calls that must come before, in any order, where the proof is too large for one; mostly none."""
        return ()

    @abstractmethod
    def call(self, disputes: Disputes) -> UnsentCall:
        """The call that proves it."""


@dataclass(frozen=True)
class FalseUpdates(Evidence):
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
class OverNorm(Evidence):
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
class FalseAggregate(Evidence):
    """A shard's aggregate that says `claimed` at one coordinate, where the updates come to `expected`."""

    checkpoint: Checkpoint
    coordinate: int
    updates: Sequence[Reveal]
    openings: Sequence[Opening]
    aggregate: Opening
    order: bytes
    claimed: int
    expected: int

    def __str__(self) -> str:
        difference = f"coordinate {self.coordinate} is {self.claimed}, the updates come to {self.expected}"
        return f"{_place(self.checkpoint)}: {difference}"

    def parts(self, disputes: Disputes) -> Sequence[UnsentCall]:
        said = self.checkpoint, self.coordinate, self.updates
        return [disputes.open_lanes(*said, part.start, self.openings[part]) for part in self._split()[:-1]]

    def call(self, disputes: Disputes) -> UnsentCall:
        said, last = (self.checkpoint, self.coordinate, self.updates), self._split()[-1]
        return disputes.aggregate(*said, last.start, self.openings[last], self.aggregate, self.order)

    def _split(self) -> list[slice]:
        fixed = len(self.order) + UPDATE_BYTES * len(self.updates)
        return _split(len(self.openings), fixed, _bytes_of(self.aggregate))


@dataclass(frozen=True)
class FalseAggregateContent(Evidence):
    """A shard's aggregate, by all its chunks, whose content is not what the checkpoint's digest says."""

    checkpoint: Checkpoint
    chunks: Sequence[bytes]

    def __str__(self) -> str:
        return f"{_place(self.checkpoint)}: its content digest is not of its aggregate"

    def call(self, disputes: Disputes) -> UnsentCall:
        return disputes.aggregate_content(self.checkpoint, self.chunks)


@dataclass(frozen=True)
class FalseModel(Evidence):
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

    def parts(self, disputes: Disputes) -> Sequence[UnsentCall]:
        return [disputes.sum_aggregates(*self._part(part)) for part in self._split()[:-1]]

    def call(self, disputes: Disputes) -> UnsentCall:
        return disputes.model(*self._part(self._split()[-1]), self.base, self.model)

    def _part(self, part: slice) -> tuple[RoundNumber, int, Sequence[Checkpoint], Sequence[Opening]]:
        return self.round, self.coordinate, self.checkpoints[part], self.aggregates[part]

    def _split(self) -> list[slice]:
        opening, checkpoint = _bytes_of(self.model), WORD * len(fields(Checkpoint))
        return _split(len(self.checkpoints), 2 * opening, checkpoint + opening)


@dataclass(frozen=True)
class FalseModelContent(Evidence):
    """A published model, by all its chunks, whose content is not what its digest says."""

    round: RoundNumber
    chunks: Sequence[bytes]

    def __str__(self) -> str:
        return f"round {self.round}, model: its content digest is not of its lanes"

    def call(self, disputes: Disputes) -> UnsentCall:
        return disputes.model_content(self.round, self.chunks)


@dataclass(frozen=True)
class WithheldPart(Evidence):
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
class Equivocation(Evidence):
    """Two checkpoints that one seat signed in one turn."""

    one: SignedCheckpoint
    other: SignedCheckpoint

    def __str__(self) -> str:
        return f"{_place(self.one.checkpoint)}: seat {self.one.seat} signed two in turn {self.one.checkpoint.turn}"

    def call(self, disputes: Disputes) -> UnsentCall:
        one, other = self.one, self.other
        signatures = (one.key_index, one.signature), (other.key_index, other.signature)
        return disputes.equivocation(one.checkpoint, other.checkpoint, one.seat, *signatures)


@dataclass(frozen=True)
class FalseMirrorMessage(Evidence):
    """A message that a seat of round `signers` signed for its shard's mirror, and that the beacon contradicts."""

    contract: MirrorFaults
    message: MirrorMessage
    signers: RoundNumber
    seat: int
    key_index: int
    signature: bytes

    def __str__(self) -> str:
        told = self.message.round
        what = f"seat {self.seat} of round {self.signers} told it of round {told.round} what the beacon does not say"
        return f"mirror of shard {told.shard}: {what}"

    def call(self, disputes: Disputes) -> UnsentCall:
        said, signature = (self.message, self.signers), self.signature
        return self.contract.message(*said, seat=self.seat, key_index=self.key_index, signature=signature)


def _split(count: int, fixed: int, each: int) -> list[slice]:
    """`count` things of `each` so many bytes, as many to a transaction as fit beside `fixed` and a checkpoint."""
    most = (MOST_BYTES - fixed - HEAD_BYTES) // each
    return [slice(first, min(first + most, count)) for first in range(0, count, most)]


def _bytes_of(opening: Opening) -> int:
    """What an opening takes as one of several: where it is, its three members, the path's length, the path."""
    return WORD * (5 + len(opening.path))


def _place(checkpoint: Checkpoint) -> str:
    return f"round {checkpoint.round}, checkpoint of shard {checkpoint.shard}"
