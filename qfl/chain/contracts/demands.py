"""Typed access to `contracts/Demands.sol`; what each function does is said in `IDemands.sol`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from eth_abi.abi import encode
from eth_hash.auto import keccak

from qfl.chain.contracts.base import BoundContract, view
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.types import Checkpoint, Reveal, RoundNumber, ShardIndex

PART_HEIGHT = 11
"""Levels of the tree over a whole part."""
PART_CHUNKS = 1 << PART_HEIGHT
CHUNKS_OF_AN_ANSWER = 64
"""What a deposit is for beside the chunks asked for."""
FOR_EVER = 2**256 - 1


class Subject(IntEnum):
    """`Subject` of IDemands.sol."""

    UPDATE = 0
    AGGREGATE = 1
    MODEL = 2


class DemandState(IntEnum):
    """`DemandState` of IDemands.sol."""

    NONE = 0
    OPEN = 1
    ANSWERED = 2
    RECLAIMED = 3


@dataclass(frozen=True)
class Part:
    """`Part` of IDemands.sol: 2,048 of the `chunks` of a vector, or as many as there are from `index * 2048` on."""

    subject: Subject
    round: RoundNumber
    shard: ShardIndex
    position: int
    index: int
    chunks: int
    root: bytes

    @property
    def id(self) -> bytes:
        """What the demand of it is called."""
        kinds = ["uint8", "uint64", "uint16", "uint16", "uint32", "uint32", "bytes32"]
        return keccak(encode(kinds, [int(self.subject), *list(vars(self).values())[1:]]))

    @property
    def size(self) -> int:
        """How many chunks it has."""
        return min(PART_CHUNKS, self.chunks - self.index * PART_CHUNKS)

    def siblings(self) -> list[Part]:
        """All parts of its vector, in order."""
        return [replace(self, index=index) for index in range(-(-self.chunks // PART_CHUNKS))]

    def __str__(self) -> str:
        place = f"round {self.round}"
        match self.subject:
            case Subject.UPDATE:
                return f"{place}, included update {self.position} of shard {self.shard}"
            case Subject.AGGREGATE:
                return f"{place}, aggregate of shard {self.shard}"
        return f"{place}, model"


@dataclass(frozen=True)
class Demand:
    """`Demand` of IDemands.sol."""

    demander: str
    answer_by: int
    state: DemandState


@dataclass(frozen=True)
class Demanded:
    """A `Demanded` event."""

    demander: str
    answer_by: int
    part: Part


@dataclass(frozen=True)
class Answered:
    """An `Answered` event."""

    id: bytes
    chunks: tuple[bytes, ...]


class Demands(BoundContract):
    """Demands to show what somebody has signed for, and the answers."""

    abi_name = "Demands"

    # --- writes ---

    def update(
        self, checkpoint: Checkpoint, position: int, update: Reveal, *, path: Sequence[bytes], part: Part
    ) -> UnsentCall:
        """Demand a part of the included update at `position`; `path` leads from it to the checkpoint's root."""
        arguments = [checkpoint, position, update, path, part.index]
        return self._write("demandUpdate", *arguments, value_wei=self.deposit_wei(part), round_number=part.round)

    def aggregate(self, checkpoint: Checkpoint, part: Part) -> UnsentCall:
        """Demand a part of a checkpoint's aggregate."""
        arguments = [checkpoint, part.index]
        return self._write("demandAggregate", *arguments, value_wei=self.deposit_wei(part), round_number=part.round)

    def model(self, part: Part) -> UnsentCall:
        """Demand a part of a published model."""
        arguments = [part.round, part.index]
        return self._write("demandModel", *arguments, value_wei=self.deposit_wei(part), round_number=part.round)

    def answer(self, part: Part, chunks: Sequence[bytes], path: Sequence[bytes]) -> UnsentCall:
        """Show what was demanded, and be paid the deposit; `path` as `part_path` gives it."""
        return self._write("answer", part, chunks, path, round_number=part.round)

    def reclaim(self, part: Part) -> UnsentCall:
        """Have the deposit back of a demand about what does not stand any more."""
        return self._write("reclaim", part, round_number=part.round)

    # --- reads ---

    held_until = view(int, "heldUntil", RoundNumber)
    """Until when a round cannot be settled for its demands' sake, unix seconds; `FOR_EVER` while one is open."""
    answer_seconds = view(int, "answerSeconds")
    """How long there is to answer."""
    chunk_deposit_wei = view(int, "chunkDepositWei")
    """Deposit for each chunk that is demanded, and for `CHUNKS_OF_AN_ANSWER` more."""
    is_private = view(bool, "isPrivate")
    """Whether updates are sealed, and cannot be demanded."""

    def deposit_wei(self, part: Part) -> int:
        """What a demand of the part has to bring."""
        return (part.size + CHUNKS_OF_AN_ANSWER) * self.chunk_deposit_wei()

    def states_of(self, parts: Sequence[Part]) -> list[Demand]:
        """What became of the demand of each part; asked for together."""
        return self._read_many(Demand, "demandAt", [(part.id,) for part in parts])

    # --- events ---

    def made(self, from_block: int) -> list[Demanded]:
        """The demands made since a block, oldest first."""
        return self._events(Demanded, "Demanded", from_block)

    def answered(self, round_number: RoundNumber, from_block: int) -> dict[bytes, tuple[bytes, ...]]:
        """The chunks that were shown of a round since a block, by the demand's id."""
        return {one.id: one.chunks for one in self._events(Answered, "Answered", from_block, round=round_number)}
