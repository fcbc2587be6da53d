"""The draw in Python, to the bit: the Python side of `contracts/Draw.sol` and `contracts/libraries/StakeTree.sol`."""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from qfl.errors import InvalidInput

LINKERS = 4
"""Seats of a round that may show a link, or all where there are fewer."""
PART = 256
"""Seats that one transaction draws at most."""
BENCH = 8
"""Rounds for which a silent validator is benched."""
LAG = 4 + BENCH
"""Rounds until a change of a weight counts."""
MOST_CHANGES = 32
"""Changes of weights that one transaction takes from the queue."""
MOST_VISITED = 320
"""Validators that one draw visits at most, but for the benched: those that it seats, and all that are idle."""


def next_seed(seed: bytes, next_round: int, link: bytes | None, *, is_cut_short: bool = False) -> bytes:
    """The seed of the next round, by the link that was shown in this one, or without any.

    Without any it is the same again where this one failed before its slots were over (`is_cut_short`).
    """
    if link is not None:
        return keccak(encode(["bytes32", "bytes28"], [seed, link]))
    return seed if is_cut_short else keccak(encode(["bytes32", "uint64"], [seed, next_round]))


def silent_seats(
    commit_ends_at: int,
    reveal_ends_at: int,
    *,
    linkers: int,
    stand_ins: Collection[int],
    shown_by: int | None,
    until: int,
) -> list[int]:
    """The seats that had their slot of the reveal phase and showed no link.

    Args:
        stand_ins: the seats that have no slot.
        shown_by: the seat that showed the round's link, if one did.
        until: when the round was over, unix seconds like the ends of its phases.
    """
    phase, over = reveal_ends_at - commit_ends_at, shown_by
    if over is None:
        over = sum(until >= commit_ends_at + (seat + 1) * phase // linkers for seat in range(linkers))
    return [seat for seat in range(over) if seat not in stand_ins]


def part_seed(seed: bytes, seats: int, part: int) -> bytes:
    """The seed of a part of a round's seats, `seats` to a committee; the first part's is the round's."""
    return seed if part == 0 else keccak(encode(["bytes32", "uint8", "uint16"], [seed, seats, part]))


def part_size(shards: int, seats: int, part: int) -> int:
    """How many seats a part of the draw has."""
    committees = PART // seats
    return min(shards - part * committees, committees) * seats


def drawing_order(weights: Mapping[int, int], seed: bytes) -> Iterator[int]:
    """Members in the order in which they are drawn: in proportion to weight among those left.

    `weights` are in the order of the stake tree.
    """
    line, left, draws = [(member, weight) for member, weight in weights.items() if weight], sum(weights.values()), 0
    while line:
        share = int.from_bytes(keccak(seed + draws.to_bytes(32))[:20])
        target, place = share * left >> 160, 0
        while target >= line[place][1]:
            target -= line[place][1]
            place += 1
        member, weight = line.pop(place)
        left -= weight
        draws += 1
        yield member


def sample(
    weights: Mapping[int, int],
    seed: bytes,
    count: int,
    *,
    idle: Collection[int] = (),
    benched: Collection[int] = (),
) -> tuple[list[int], set[int]]:
    """Who is drawn, and which of the places are held by stand-ins for the idle.

    They go to the first of the line, but for who is `idle` or `benched`: their places go to who comes next. Places of
    the benched are filled first, and a place whose next one is idle waits behind the others: so who becomes idle moves
    nobody, but for those who stand in for others that are. Where nobody else is left, the benched keep the places that
    are theirs, and take those of the idle.

    Raises InvalidInput: they are too few.
    """
    drawable = sum(bool(weight) and member not in idle for member, weight in weights.items())
    if drawable < count:
        raise InvalidInput("validators", drawable, f"{count} seats are to be drawn")
    order = drawing_order(weights, seed)
    seated = [next(order) for _ in range(count)]
    vacant = deque(place for place in range(count) if seated[place] in benched)
    stand_ins = {place for place in range(count) if seated[place] in idle and seated[place] not in benched}
    vacant.extend(sorted(stand_ins))
    passed = list[int]()
    while vacant and (member := next(order, None)) is not None:
        if member not in benched:
            place = vacant.popleft()
            if member in idle:
                vacant.append(place)
                stand_ins.add(place)
            else:
                member, seated[place] = seated[place], member
        if member in benched and member not in idle:
            passed.append(member)
    for place in (place for place in vacant if seated[place] in idle):
        seated[place] = passed.pop(0)
        stand_ins.add(place)
    return seated, stand_ins


@dataclass
class Draw:
    """The contract's state. Round 0: before the first round is opened, weights count at once.

    Attributes:
        counted: what each validator is drawn with, in tree order.
        weights: what each validator has now; 0: it takes on no duties.
        benched_until: the first round that a validator is drawn for again like the others.
        stand_ins: which of the round's first seats have no slot to show a link in.
    """

    seed: bytes = bytes(32)
    round: int = 0
    seats: list[int] = field(default_factory=list)
    counted: dict[int, int] = field(default_factory=dict)
    weights: dict[int, int] = field(default_factory=dict)
    benched_until: dict[int, int] = field(default_factory=dict)
    stand_ins: set[int] = field(default_factory=set)
    _queue: deque[tuple[int, int, int]] = field(default_factory=deque)

    def copy(self) -> "Draw":
        """The same state, to be taken on by itself."""
        return Draw(self.seed, self.round, *(part.copy() for part in list(vars(self).values())[2:]))

    def weigh(self, validator: int, weight: int) -> None:
        """A validator's weight changes, if it is not that already."""
        if weight == self.weights.get(validator, 0):
            return
        self.weights[validator] = weight
        if self.round == 0:
            self._count(validator, weight)
        elif all(validator != waiting for waiting, _, _ in self._queue):
            self._queue.append((validator, self.round + LAG, weight))

    @property
    def linkers(self) -> list[int]:
        """The seats that have a slot to show a link in, in order."""
        return [seat for seat in range(min(LINKERS, len(self.seats))) if seat not in self.stand_ins]

    def open(self, seed: bytes, shards: int, seats: int, *, silent: Collection[int] = ()) -> list[int]:
        """Open the next round with this seed, these seats of the last one silent; all its seats.

        With the last round's seed it is drawn again, and what is due waits. Raises InvalidInput: too few validators,
        or too many idle ones.
        """
        self.begin(seed, shards, seats, silent=silent)
        for part in range(1, -(-shards // (PART // seats))):
            self.draw_part(part, shards, seats)
        return self.seats

    def begin(self, seed: bytes, shards: int, seats: int, *, silent: Collection[int] = ()) -> list[int]:
        """As `open`, but that the first part of the seats is drawn alone."""
        self.round += 1
        due, self.seed = 0 if seed == self.seed else self.round, seed
        for seat in silent:
            self.benched_until[self.seats[seat]] = self.round + BENCH
        self.seats, self.stand_ins = [], set()
        self.take_changes(due, part_size(shards, seats, 0))
        return self._seat(0, shards, seats)

    def draw_part(self, part: int, shards: int, seats: int) -> list[int]:
        """Draw the next part of the round's seats, by the weights of this moment. Raises as `open`."""
        self.take_changes(0, part_size(shards, seats, part))
        return self._seat(part, shards, seats)

    @property
    def has_waiting(self) -> bool:
        """Whether a change of a weight waits."""
        return bool(self._queue)

    def take_changes(self, due: int, required: int) -> None:
        """Let those changes count that are due in a round, and more while `required` cannot be drawn."""
        for _ in range(MOST_CHANGES):
            if not self._queue or (self._queue[0][1] > due and self._can_draw(required)):
                return
            self.take_change()

    def _seat(self, part: int, shards: int, seats: int) -> list[int]:
        idle = {validator for validator, weight in self.weights.items() if not weight}
        benched = {validator for validator, until in self.benched_until.items() if until > self.round}
        seed, count = part_seed(self.seed, seats, part), part_size(shards, seats, part)
        if (passed_over := self._counts()[1]) > MOST_VISITED - count:
            raise InvalidInput("idle validators", passed_over, f"{MOST_VISITED - count} are passed over at most")
        drawn, stand_ins = sample(self.counted, seed, count, idle=idle, benched=benched)
        if part == 0:
            self.stand_ins = {seat for seat in stand_ins if seat < LINKERS}
        self.seats += drawn
        return drawn

    def _can_draw(self, required: int) -> bool:
        drawable, idle = self._counts()
        return drawable >= required and idle <= MOST_VISITED - required

    def _counts(self) -> tuple[int, int]:
        """How many can be drawn, and how many are idle whose weights count."""
        counting = [validator for validator, weight in self.counted.items() if weight]
        drawable = sum(bool(self.weights[validator]) for validator in counting)
        return drawable, len(counting) - drawable

    def take_change(self) -> None:
        """Let the first change of the queue count."""
        validator, _, weight = self._queue.popleft()
        self._count(validator, weight)
        if self.weights[validator] != weight:
            self._queue.append((validator, self.round + LAG, self.weights[validator]))

    def _count(self, validator: int, weight: int) -> None:
        if weight or validator in self.counted:
            self.counted[validator] = weight
