"""Typed access to `contracts/Draw.sol`; what each function does is said in `IDraw.sol`."""

from dataclasses import dataclass
from enum import IntEnum

from qfl.chain.contracts.base import BoundContract, view
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.draw import LINKERS, PART
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex


class ValidatorDuty(IntEnum):
    """`ValidatorDuty` of IDraw.sol."""

    NOT_ACTIVE = 0
    WAIT = 1
    OPEN_ROUND = 2
    VERIFY = 3
    PUBLISH = 4


@dataclass(frozen=True)
class RoundDraw:
    """`RoundDraw` of IDraw.sol."""

    seed: bytes
    shards: int
    seats: int
    parts: int
    shown_by: int
    stand_ins: int

    @property
    def part_seats(self) -> int:
        """Seats of a part: of whole committees."""
        return PART // self.seats * self.seats

    @property
    def is_complete(self) -> bool:
        """Whether all seats are drawn."""
        return self.parts * self.part_seats >= self.shards * self.seats


@dataclass(frozen=True)
class Standing:
    """`Standing` of IDraw.sol."""

    position: int
    weight_wei: int
    is_queued: bool
    benched_until: RoundNumber


@dataclass(frozen=True)
class Shown:
    """A `LinkShown` event."""

    round: RoundNumber
    validator: ParticipantId
    seat: int
    link: bytes
    block: int
    log: int


@dataclass(frozen=True)
class Drawn:
    """A `SeatsDrawn` event: a part of a round's seats, `seats` for each shard from `first_shard` on."""

    round: RoundNumber
    first_shard: ShardIndex
    seats: int
    validators: list[ParticipantId]
    block: int
    log: int
    tx_hash: str

    @property
    def part(self) -> int:
        """Which part it is, from 0."""
        return self.first_shard // (PART // self.seats)


@dataclass(frozen=True)
class Counted:
    """A `WeightCounted` event."""

    id: ParticipantId
    weight_wei: int
    block: int
    log: int
    tx_hash: str


@dataclass(frozen=True)
class Benched:
    """A `Benched` event."""

    id: ParticipantId
    until_round: RoundNumber
    block: int
    log: int


@dataclass(frozen=True)
class Sitting:
    """A validator's seat in a round, and the block that it was drawn in."""

    round: RoundNumber
    shard: ShardIndex
    seat: int
    block: int


@dataclass(frozen=True)
class Duty:
    """What a validator should do now, and by when (unix seconds)."""

    kind: ValidatorDuty
    round: RoundNumber
    shard: ShardIndex
    seat: int
    deadline: int


class Draw(BoundContract):
    """Who sits in the committees, what seeds the rounds, and whose turn it is."""

    abi_name = "Draw"

    def draw_seats(self, round_number: RoundNumber) -> UnsentCall:
        """Draw the next part of the current round's seats."""
        return self._write("drawSeats", round_number)

    def take_changes(self) -> UnsentCall:
        """Let changes of weights count early, where seats cannot be drawn without."""
        return self._write("takeChanges")

    def show_link(self, round_number: RoundNumber, seat: int, link: bytes) -> UnsentCall:
        """Show the link of a seat of the round, in its slot."""
        return self._write("showLink", round_number, seat, link)

    draw_of = view(RoundDraw, "drawOf", RoundNumber)
    """How a round was drawn."""
    seats_of = view(list[ParticipantId], "seatsOf", RoundNumber)
    """The validators in all seats of a round that are drawn, shard by shard."""
    slot_of = view(tuple[int, int], "slotOf", RoundNumber, int)
    """When a seat may show its link, unix seconds: from, and before; both 0 for those that have no slot."""

    def silent_seats(self, round_number: RoundNumber) -> list[int]:
        """The seats of a round that had their slot and did not show their link."""
        silent = self._read(int, "silentSeats", round_number)
        return [seat for seat in range(LINKERS) if silent >> seat & 1]

    def next_slot(self, round_number: RoundNumber, now: int) -> int | None:
        """When the next seat may show its link, unix seconds; None when one was shown, or the last slot has begun."""
        drawing = self.draw_of(round_number)
        linkers = min(LINKERS, drawing.shards * drawing.seats)
        if drawing.shown_by:
            return None
        begins = (self.slot_of(round_number, seat)[0] for seat in range(1, linkers))
        return next((begin for begin in begins if begin > now), None)

    validator_duty = view(Duty, "validatorDuty", ParticipantId)
    """What a validator should do now."""
    publisher_of = view(tuple[ParticipantId, int], "publisherOf", RoundNumber)
    """Who may publish the round's model now, and until when (unix seconds); zeros outside the publish phase."""
    queue_length = view(int, "queueLength")
    """How many changes of weights wait."""
    standing_of = view(Standing, "standingOf", ParticipantId)
    """A validator's standing in the draw."""
    weight_of = view(int, "weightOf", ParticipantId)
    """What a validator is drawn with now, in wei."""
    chain_of = view(tuple[bytes, int], "chainOf", ParticipantId)
    """The last link that a validator showed, or its anchor, and how many it has shown since that."""

    def sample(self, seed: bytes, count: int) -> list[ParticipantId]:
        """The validators that would be drawn with this seed in the current round."""
        return self._read(list[ParticipantId], "sample", seed, count)

    def shown(self, from_block: int) -> dict[RoundNumber, Shown]:
        """The link that each round has shown since a block."""
        return {shown.round: shown for shown in self._events(Shown, "LinkShown", from_block)}

    def drawn(self, from_block: int) -> list[Drawn]:
        """Every part of seats that was drawn since a block, oldest first."""
        return self._events(Drawn, "SeatsDrawn", from_block)

    def counted(self, from_block: int, validator: ParticipantId | None = None) -> list[Counted]:
        """Every weight that began to count since a block, oldest first; of one validator, or of all."""
        return self._events(Counted, "WeightCounted", from_block, id=validator)

    def benched(self, from_block: int) -> list[Benched]:
        """Everybody who was benched since a block, oldest first."""
        return self._events(Benched, "Benched", from_block)

    def sittings(self, validator: ParticipantId, from_block: int) -> list[Sitting]:
        """Every seat that was drawn for a validator since a block, oldest first."""
        found = []
        for event in self._logs("SeatsDrawn", from_block):
            number, seats, block = RoundNumber(event["round"]), event["seats"], event["block"]
            for place, member in enumerate(event["validators"]):
                if member == validator:
                    shard = ShardIndex(event["firstShard"] + place // seats)
                    found.append(Sitting(number, shard, place % seats, block))
        return found
