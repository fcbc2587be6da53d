"""How safe the committees of a round are, how large they have to be, and what unequal stakes change at most."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from experiments.scale.committees import Electorate, failure_probability, stall_tolerance
from experiments.scale.size import MOST_SEATS, Size
from qfl.errors import InvalidInput
from qfl.protocol.quorum import quorum_of

MOST_RATIO = 1e9
FEWEST_SEATS = 4


@dataclass(frozen=True)
class Odds:
    """Of one way in which a committee fails: probabilities that any of a round's does.

    Attributes:
        meaning: what the bad seats can do.
        fewest_bad: seats of one committee that it takes.
        probability: exact, for equal stakes.
        bound: at most this with unequal stakes; None where that was not asked for.
        seats_needed: smallest committee that keeps the probability at the target; None if 64 seats are too few.
    """

    meaning: str
    fewest_bad: int
    probability: float
    bound: float | None
    seats_needed: int | None


def compute_odds(size: Size, bad_share: float, target: float, largest_to_mean: float | None) -> list[Odds]:
    """The odds of being stalled (more than a third bad) and captured (two thirds, a quorum), and of more than that.

    Raises:
        InvalidInput: no such target or stake ratio.
    """
    bad = round(bad_share * size.validators)
    electorate = Electorate(size.validators, bad, size.shards, size.seats)
    stall, capture = stall_tolerance(size.seats), quorum_of(size.seats) - 1

    def odds(meaning: str, tolerated: int, needed: int | None) -> Odds:
        bound = None if largest_to_mean is None else unequal_stakes_bound(electorate, tolerated, largest_to_mean)
        return Odds(meaning, tolerated + 1, failure_probability(electorate, tolerated), bound, needed)

    needed_against = [seats_needed(size.validators, bad, size.shards, target, captured) for captured in (False, True)]
    return [
        odds("more than 1/3: can stall it", stall, needed_against[0]),
        odds("2/3: can sign for it", capture, needed_against[1]),
        odds("more than 2/3", 2 * size.seats // 3, None),
    ]


def seats_needed(validators: int, bad: int, committees: int, target: float, captured: bool) -> int | None:
    """Smallest committee for which `failure_probability` is at most `target`; None if 64 seats are too few.

    A committee is `captured` when a quorum of its seats is bad; otherwise the question is whether it can be stalled.

    Raises:
        InvalidInput: `target` is not a probability.
    """
    if not 0 < target < 1:
        raise InvalidInput("target", target, "must be a probability between 0 and 1")
    for seats in range(FEWEST_SEATS, min(MOST_SEATS, validators // committees) + 1):
        tolerated = quorum_of(seats) - 1 if captured else stall_tolerance(seats)
        if failure_probability(Electorate(validators, bad, committees, seats), tolerated) <= target:
            return seats
    return None


def unequal_stakes_bound(electorate: Electorate, tolerated: int, largest_to_mean: float) -> float:
    """At most this likely a committee fails when no stake is above `largest_to_mean` times the mean one.

    `bad / validators` is then the adversary's share of the stake, however it is split. A seat is drawn in proportion to
    stake among those left, so it is bad with a probability of at most

        r = bad share / (1 - stake of the K S - 1 largest others),

    whoever was drawn before; the bad seats of a committee are therefore stochastically at most binomial(S, r), and the
    union bound adds up the committees. Not tight: for equal stakes the exact figure is lower.

    Raises:
        InvalidInput: `largest_to_mean` is below 1.
    """
    if not 1 <= largest_to_mean <= MOST_RATIO:
        remedy = f"the largest stake is at least the mean: 1 or more, up to {MOST_RATIO:g}"
        raise InvalidInput("largest stake to mean", largest_to_mean, remedy)
    seats = electorate.seats
    gone = (electorate.committees * seats - 1) * largest_to_mean / electorate.validators
    share = electorate.bad / electorate.validators
    if share >= 1 - gone:
        return 1.0
    ratio = share / (1 - gone)
    tail = sum(math.comb(seats, i) * ratio**i * (1 - ratio) ** (seats - i) for i in range(tolerated + 1, seats + 1))
    return min(1.0, electorate.committees * tail)


def odds_table(odds: Sequence[Odds], target: float) -> Table:
    """Probabilities that any committee of a round fails."""
    table = Table(
        *("bad seats in a committee", "that is", "any committee, equal stakes", "at most, unequal stakes"),
        f"seats for {target:g}",
        title="Committees: exact odds of one round",
    )
    for entry in odds:
        bound = "" if entry.bound is None else f"{entry.bound:.3g}"
        needed = "" if entry.meaning == odds[-1].meaning else str(entry.seats_needed or "none")
        table.add_row(entry.meaning, f"{entry.fewest_bad} or more", f"{entry.probability:.4g}", bound, needed)
    return table
