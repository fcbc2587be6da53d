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
LAG = 4
"""Rounds until a change of a weight counts."""
BENCH = 8
"""Rounds for which a silent validator is benched."""
MOST_CHANGES = 32
"""Changes of weights that one transaction takes from the queue."""


def next_seed(seed: bytes, next_round: int, link: bytes | None, *, is_cut_short: bool = False) -> bytes:
    """The seed of the next round, by the link that was shown in this one, or without any.

    Without any it is the same again where this one failed before its slots were over (`is_cut_short`).
    """
    if link is not None:
        return keccak(encode(["bytes32", "bytes28"], [seed, link]))
    return seed if is_cut_short else keccak(encode(["bytes32", "uint64"], [seed, next_round]))


def part_seed(seed: bytes, seats: int, part: int) -> bytes:
    """The seed of a part of a round's seats, `seats` to a committee; the first part's is the round's."""
    return seed if part == 0 else keccak(encode(["bytes32", "uint8", "uint16"], [seed, seats, part]))


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
) -> list[int]:
    """Who is drawn: the first of the line, but for who is `idle` or `benched`: their places go to who comes next.

    Places of the benched are filled first, and a place whose next one is idle waits behind the others: so who becomes
    idle moves nobody, but for those who stand in for others that are. Where nobody else is left, the benched keep the
    places that are theirs, and take those of the idle.

    Raises InvalidInput: they are too few.
    """
    drawable = sum(bool(weight) and member not in idle for member, weight in weights.items())
    if drawable < count:
        raise InvalidInput("validators", drawable, f"{count} seats are to be drawn")
    order = drawing_order(weights, seed)
    seated = [next(order) for _ in range(count)]
    vacant = deque(place for place in range(count) if seated[place] in benched)
    vacant.extend(place for place in range(count) if seated[place] in idle and seated[place] not in benched)
    passed = list[int]()
    while vacant and (member := next(order, None)) is not None:
        if member not in benched:
            place = vacant.popleft()
            if member in idle:
                vacant.append(place)
            else:
                member, seated[place] = seated[place], member
        if member in benched and member not in idle:
            passed.append(member)
    for place in (place for place in vacant if seated[place] in idle):
        seated[place] = passed.pop(0)
    return seated


@dataclass
class Draw:
    """The contract's state. Round 0: before the first round is opened, weights count at once.

    Attributes:
        counted: what each validator is drawn with, in tree order.
        weights: what each validator has now; 0: it takes on no duties.
        benched_until: the first round that a validator is drawn for again like the others.
    """

    seed: bytes = bytes(32)
    round: int = 0
    seats: list[int] = field(default_factory=list)
    counted: dict[int, int] = field(default_factory=dict)
    weights: dict[int, int] = field(default_factory=dict)
    benched_until: dict[int, int] = field(default_factory=dict)
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

    def open(self, seed: bytes, shards: int, seats: int, *, silent: int = 0) -> list[int]:
        """Open the next round with this seed, the first `silent` seats of the last one silent; all its seats.

        With the last round's seed it is drawn again, and what is due waits.
        """
        self.round += 1
        due, self.seed = 0 if seed == self.seed else self.round, seed
        for validator in self.seats[:silent]:
            self.benched_until[validator] = self.round + BENCH
        committees = PART // seats
        self.seats = []
        for part in range(-(-shards // committees)):
            count = min(shards - part * committees, committees) * seats
            self.take_changes(0 if part else due, count)
            idle = {validator for validator, weight in self.weights.items() if not weight}
            benched = {validator for validator, until in self.benched_until.items() if until > self.round}
            self.seats += sample(self.counted, part_seed(seed, seats, part), count, idle=idle, benched=benched)
        return self.seats

    def take_changes(self, due: int, required: int) -> None:
        """Let those changes count that are due in a round, and more while fewer than `required` can be drawn."""
        for _ in range(MOST_CHANGES):
            if not self._queue or (self._queue[0][1] > due and self._drawable() >= required):
                return
            self._take_change()

    def _drawable(self) -> int:
        return sum(bool(self.weights[validator] and weight) for validator, weight in self.counted.items())

    def _take_change(self) -> None:
        validator, _, weight = self._queue.popleft()
        self._count(validator, weight)
        if self.weights[validator] != weight:
            self._queue.append((validator, self.round + LAG, self.weights[validator]))

    def _count(self, validator: int, weight: int) -> None:
        if weight or validator in self.counted:
            self.counted[validator] = weight
