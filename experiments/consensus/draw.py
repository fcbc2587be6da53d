"""How often attackers hold a committee when they steer the draw as well as they can, by the draw's own code.

Each round the attackers know, before their seats' slots, what every link of their own would seed. Greedily they take
the first seed that gives them a quorum: they show their first seat's link, or let its slot pass and show the next
one's, and are silent and benched with every seat that they let pass. An honest seat shows its link as its slot begins,
so that only slots before the first honest one are theirs to choose from; where all are theirs, no link is a choice,
too. Where none of these wins they show the first link, or gamble: they let all their slots pass, and an honest link
decides. What counts is the better of both ways.
Beside that they may move their stakes every round to what would win the next one: it counts twelve rounds later.
And they may leave: once its seed is known, one of those that would have a slot before the first honest one leaves
before a round opens, where that brings a link that wins the round after and costs no quorum. It bonds anew at once,
with other money.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile
from math import comb
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak
from rich.table import Table

from experiments.figures import save
from qfl.protocol.draw import Draw, next_seed
from qfl.protocol.quorum import quorum_of

NAME = "draw.json"
SEATS = 4
UNIT = 100
"""A stake's weight."""
SPLITS = ((100, 100, 100), (150, 75, 75), (75, 150, 75), (75, 75, 150), (120, 120, 60), (120, 60, 120), (60, 120, 120))
"""What three attackers do with their three stakes; none below six tenths of one."""


@dataclass(frozen=True)
class Case:
    """Attackers among validators of equal stakes.

    Attributes:
        withheld: most links that they withhold in a round.
        moves: whether they move their stakes too.
        leaves: whether they leave, too.
    """

    attackers: int
    validators: int
    withheld: int
    moves: bool = False
    leaves: bool = False


@dataclass(frozen=True)
class Capture:
    """What a case came to.

    Attributes:
        share: of rounds in which the attackers hold a quorum.
        chance: the same where nobody steers, exactly.
        links_withheld: a round, on average.
        attackers_benched: on average.
        left: how many attackers left, and bonded anew, a round.
    """

    case: Case
    rounds: int
    share: float
    chance: float
    links_withheld: float
    attackers_benched: float
    left: float


CASES = (
    *(Case(3, 7, withheld) for withheld in (0, 1, 2)),
    *(Case(3, 7, withheld, moves=True) for withheld in (0, 1, 2)),
    *(Case(30, 70, withheld) for withheld in (0, 1, 2)),
    *(Case(3, 7, withheld, leaves=True) for withheld in (0, 2)),
    *(Case(30, 70, withheld, leaves=True) for withheld in (0, 2)),
)


def bench_draw(out: Path, rounds: int, seed: int, say: Callable[[str], None] = lambda _text: None) -> list[Capture]:
    """Simulate every case, and write draw.json."""
    found = []
    for case in CASES:
        say(f"{case.attackers} of {case.validators}, {case.withheld} links withheld{', leaving' * case.leaves}")
        found.append(simulate(case, rounds, seed))
    save(out / NAME, as_document(found))
    return found


def as_document(found: Sequence[Capture]) -> list[dict[str, Any]]:
    """The figures as JSON has them."""
    return [asdict(capture) for capture in found]


def simulate(case: Case, rounds: int, seed: int) -> Capture:
    """Play `rounds` rounds of a case, with and without gambling; the better of both for the attackers."""
    ways = [_play(case, rounds, Network(case, seed, gambles=gambles)) for gambles in (False, True)]
    return max(ways, key=lambda capture: capture.share)


def _play(case: Case, rounds: int, network: Network) -> Capture:
    captured = withheld = benched = 0
    for _ in range(rounds):
        silent = network.steer()
        if case.moves:
            network.move(silent)
        withheld += silent
        captured += network.go_on(silent)
        benched += network.benched
    counts = (count / rounds for count in (withheld, benched, network.left))
    return Capture(case, rounds, captured / rounds, chance_of(case), *counts)


def chance_of(case: Case) -> float:
    """That a draw gives the attackers a quorum."""
    honest, quorum = case.validators - case.attackers, quorum_of(SEATS)
    ways = sum(comb(case.attackers, bad) * comb(honest, SEATS - bad) for bad in range(quorum, SEATS + 1))
    return ways / comb(case.validators, SEATS)


class Network:
    """A draw, with attackers 1, 2, ... and honest validators behind them; who bonds anew comes last.

    Attributes:
        left: how many attackers have left so far.
    """

    def __init__(self, case: Case, seed: int, *, gambles: bool) -> None:
        self.case, self._gambles, self.draw, self._shown = case, gambles, Draw(), dict[int, int]()
        self._attackers, self.left = set(range(1, case.attackers + 1)), 0
        self._secret = seed.to_bytes(32)
        for validator in range(1, case.validators + 1):
            self.draw.weigh(validator, UNIT)
        self.draw.open(keccak(self._secret), 1, SEATS)

    @property
    def benched(self) -> int:
        """How many attackers are benched now."""
        until = self.draw.benched_until
        return sum(until.get(attacker, 0) > self.draw.round for attacker in self._attackers)

    def steer(self) -> int:
        """How many slots the attackers let pass."""
        silent, own = self._winning(self.draw), len(self._own_slots(self.draw))
        if silent is None:
            silent = own if self._gambles and own <= self.case.withheld else 0
        return silent

    def move(self, silent: int) -> None:
        """Give the attackers' stakes the weights that would win the next round, if they counted in it."""
        seed = self._next_seed(self.draw, silent)
        for split in SPLITS:
            tried = self.draw.copy()
            tried.counted.update(enumerate(split, start=1))
            if self._wins(tried, 0, seed):
                for attacker, weight in enumerate(split, start=1):
                    if self.draw.weights[attacker] != weight:
                        self.draw.weigh(attacker, weight)
                return

    def go_on(self, silent: int) -> bool:
        """Open the next round after that many silent slots; whether the attackers hold it."""
        seed, linkers = self._next_seed(self.draw, silent), self.draw.linkers
        for seat in linkers[silent : silent + 1]:
            shows = self.draw.seats[seat]
            self._shown[shows] = self._shown.get(shows, 0) + 1
        for leaver in self._useful_leavers(silent, seed) if self.case.leaves else ():
            self._replace(leaver)
        self.draw.open(seed, 1, SEATS, silent=linkers[:silent])
        return self._is_held(self.draw.seats)

    def _useful_leavers(self, silent: int, seed: bytes) -> list[int]:
        """The attackers whose leaving before the next round opens wins the one after, and costs no quorum in it.

        Where one alone does not win it, and they gamble, all whose links would not: an honest link decides, and nobody
        is benched for it.
        """
        stays, seats = self.draw.copy(), self.draw.linkers[:silent]
        is_held = self._is_held(stays.open(seed, 1, SEATS, silent=seats))
        if self._winning(stays) is not None:
            return []
        own = [stays.seats[seat] for seat in self._own_slots(stays)]
        for leavers in [*([attacker] for attacker in own), *([own] if self._gambles else [])]:
            tried = self.draw.copy()
            for attacker in leavers:
                tried.weigh(attacker, 0)
            keeps = self._is_held(tried.open(seed, 1, SEATS, silent=seats)) or not is_held
            if keeps and (leavers is own or self._winning(tried) is not None):
                return leavers
        return []

    def _replace(self, leaver: int) -> None:
        """Have an attacker leave, and another one bond; who left before and does not count any more is forgotten."""
        draw, newcomer = self.draw, max(self.draw.weights) + 1
        draw.weigh(leaver, 0)
        draw.weigh(newcomer, UNIT)
        self._attackers = self._attackers - {leaver} | {newcomer}
        self.left += 1
        for gone in [validator for validator, weight in draw.counted.items() if not weight]:
            if not draw.weights[gone]:
                del draw.counted[gone], draw.weights[gone]

    def _own_slots(self, draw: Draw) -> list[int]:
        """The attackers' seats that have a slot before the first honest one has."""
        return list(takewhile(lambda seat: draw.seats[seat] in self._attackers, draw.linkers))

    def _winning(self, draw: Draw) -> int | None:
        """The fewest silent slots after which a link of the attackers', or none at all, wins the next round; None: none
        does.
        """
        own = len(self._own_slots(draw))
        choices = own + (own == len(draw.linkers))
        for silent in range(min(choices, self.case.withheld + 1)):
            if self._wins(draw, silent, self._next_seed(draw, silent)):
                return silent
        return None

    def _next_seed(self, draw: Draw, silent: int) -> bytes:
        """The next seed after so many silent slots: by the link of the one that follows, without any after the last."""
        link = next((self._link(draw.seats[seat]) for seat in draw.linkers[silent:]), None)
        return next_seed(draw.seed, draw.round + 1, link)

    def _link(self, validator: int) -> bytes:
        """The next link of a validator's chain."""
        return keccak(self._secret + validator.to_bytes(4) + self._shown.get(validator, 0).to_bytes(4))[:28]

    def _wins(self, draw: Draw, silent: int, seed: bytes) -> bool:
        return self._is_held(draw.copy().open(seed, 1, SEATS, silent=draw.linkers[:silent]))

    def _is_held(self, seats: Sequence[int]) -> bool:
        return sum(validator in self._attackers for validator in seats) >= quorum_of(SEATS)


def draw_table(found: Sequence[Capture]) -> Table:
    """Capture by case."""
    table = Table(
        *("attackers", "most links withheld a round", "stakes moved", "leaving", "3 of 4 seats held", "by chance"),
        *("links withheld a round", "attackers benched", "left a round"),
        title=f"The draw steered, {found[0].rounds} rounds of each",
    )
    for capture in found:
        case = capture.case
        table.add_row(
            f"{case.attackers} of {case.validators}",
            str(case.withheld),
            "yes" if case.moves else "no",
            "yes" if case.leaves else "no",
            f"{capture.share:.1%}",
            f"{capture.chance:.1%}",
            f"{capture.links_withheld:.3f}",
            f"{capture.attackers_benched:.2f}",
            f"{capture.left:.3f}",
        )
    return table
