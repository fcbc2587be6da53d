"""How safe the committees of a round are."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.scale.committees import Electorate, failure_probability, stall_tolerance
from experiments.scale.size import Size
from experiments.scale.sizing import seats_needed, unequal_stakes_bound
from qfl.errors import InvalidInput
from qfl.protocol.quorum import quorum_of


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
        InvalidInput: no such share, target or stake ratio.
    """
    if not 0 <= bad_share <= 1:
        raise InvalidInput("bad", bad_share, "must be a share between 0 and 1")
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
