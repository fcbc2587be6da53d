"""How large committees have to be, and what unequal stakes change at most."""

from __future__ import annotations

import math

from experiments.scale.committees import Electorate, failure_probability, stall_tolerance
from qfl.errors import InvalidInput
from qfl.protocol.quorum import quorum_of

MOST_SEATS = 64
"""Largest committee: a bundle's bitmap is one 64-bit word."""
MOST_RATIO = 1e9
FEWEST_SEATS = 4


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
