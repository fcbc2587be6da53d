"""How likely a round has a committee that the adversary can stall, or speak for: exact, by counting.

A round draws `K * S` of `N` validators without replacement and seats them in order, `S` to a committee
(`StakeTree.draw`, `Beacon._committee`). With equal stakes every set is equally likely, so the bad seats of the
committees have the joint distribution

    P(i_1 .. i_K) = C(S, i_1) .. C(S, i_K) * C(N - K S, B - t) / C(N, B)        with t = i_1 + .. + i_K.

`Prior` holds sums over the first factors, as polynomials in t. Good (no committee fails), bad (one does) and all of a
block of committees follow from those of its halves by sums and products of positive numbers alone:

    all = all1 * all2        bad = bad1 * all2 + good1 * bad2        good = good1 * good2

so nothing cancels, and a probability of 1e-30 is as accurate as one of 0.1. The last factor, which makes the committees
depend on each other, is applied once, at the end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.protocol.quorum import quorum_of

NEGLIGIBLE = 1e-80
"""Terms this far below the greatest one are dropped: even a million of them change no digit of the result."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Electorate:
    """Who is drawn: `validators` of equal stake, `bad` of them the adversary's; `committees` of `seats` each.

    There are validators for all seats: `Size` sees to it.
    """

    validators: int
    bad: int
    committees: int
    seats: int


@dataclass(frozen=True)
class Mass:
    """A polynomial with positive coefficients: `values[j] * exp(log_scale)` belongs to `first + j`."""

    first: int
    values: Array
    log_scale: float

    def __mul__(self, other: Mass) -> Mass:
        if not self.values.size or not other.values.size:
            return NOTHING
        product = np.convolve(self.values, other.values)
        return _trimmed(self.first + other.first, product, self.log_scale + other.log_scale)

    def __add__(self, other: Mass) -> Mass:
        parts = [part for part in (self, other) if part.values.size]
        if not parts:
            return NOTHING
        first = min(part.first for part in parts)
        last = max(part.first + part.values.size for part in parts)
        log_scale = max(part.log_scale for part in parts)
        total = np.zeros(last - first)
        for part in parts:
            start = part.first - first
            total[start : start + part.values.size] += part.values * math.exp(part.log_scale - log_scale)
        return _trimmed(first, total, log_scale)


NOTHING = Mass(0, np.zeros(0), 0.0)


@dataclass(frozen=True)
class Prior:
    """The masses of a block of committees over the number of their bad seats."""

    all: Mass
    good: Mass
    bad: Mass

    def __mul__(self, other: Prior) -> Prior:
        bad = self.bad * other.all + self.good * other.bad
        return Prior(self.all * other.all, self.good * other.good, bad)


def failure_probability(electorate: Electorate, tolerated: int) -> float:
    """Probability that at least one committee of the round has more than `tolerated` bad seats."""
    if electorate.bad in (0, electorate.validators):
        return float(electorate.bad > 0 and electorate.seats > tolerated)
    prior = _power(_one_committee(electorate, tolerated), electorate.committees)
    log_all, log_bad = (_log_total(mass, electorate) for mass in (prior.all, prior.bad))
    return min(1.0, math.exp(log_bad - log_all))


def stall_tolerance(seats: int) -> int:
    """Most bad seats that leave a quorum of two thirds without them: more than a third can stall a committee."""
    return seats - quorum_of(seats)


def _one_committee(electorate: Electorate, tolerated: int) -> Prior:
    """Binomial weights C(S, i) p^i (1-p)^(S-i); the powers of p = B / N keep numbers in range, see `_log_total`."""
    seats, share = electorate.seats, electorate.bad / electorate.validators
    bad = np.arange(seats + 1)
    log_weights = np.array([math.log(math.comb(seats, i)) for i in bad])
    log_weights += bad * math.log(share) + (seats - bad) * math.log1p(-share)
    weights = np.exp(log_weights)
    return Prior(
        _trimmed(0, weights, 0.0),
        _trimmed(0, weights[: tolerated + 1], 0.0),
        _trimmed(tolerated + 1, weights[tolerated + 1 :], 0.0),
    )


def _power(base: Prior, exponent: int) -> Prior:
    result: Prior | None = None
    while True:
        if exponent & 1:
            result = base if result is None else result * base
        exponent >>= 1
        if not exponent:
            assert result is not None
            return result
        base = base * base


def _log_total(mass: Mass, electorate: Electorate) -> float:
    """Logarithm of the sum over t of `mass(t) * C(N - K S, B - t) / (p^t (1-p)^(K S - t))`, up to a common constant.

    The constant is the same for `good`, `bad` and `all`, whose total is 1: so it need not be known.
    """
    drawn = electorate.committees * electorate.seats
    left, share = electorate.validators - drawn, electorate.bad / electorate.validators
    t = np.arange(mass.first, mass.first + mass.values.size)
    possible = (t <= electorate.bad) & (electorate.bad - t <= left)
    t, values = t[possible], mass.values[possible]
    if not t.size or not values.any():
        return -math.inf
    log_odds = math.log(share) - math.log1p(-share)
    # C(left, b - 1) / C(left, b) = b / (left - b + 1), for b = B - t.
    b = (electorate.bad - t[:-1]).astype(np.float64)
    steps = np.log(b) - np.log(left - b + 1.0) - log_odds
    log_weights = np.concatenate([[0.0], np.cumsum(steps)]) + _log_anchor(int(t[0]), electorate, log_odds)
    with np.errstate(divide="ignore"):
        spec = np.log(values) + log_weights
    greatest = float(spec.max())
    return mass.log_scale + greatest + math.log(float(np.exp(spec - greatest).sum()))


def _log_anchor(t: int, electorate: Electorate, log_odds: float) -> float:
    """The first term's weight, which the others follow from: log C(N - K S, B - t) - t log(p / (1-p))."""
    left, b = electorate.validators - electorate.committees * electorate.seats, electorate.bad - t
    return math.lgamma(left + 1) - math.lgamma(b + 1) - math.lgamma(left - b + 1) - t * log_odds


def _trimmed(first: int, values: Array, log_scale: float) -> Mass:
    """With 1 as the greatest coefficient, and without negligible ones at the ends."""
    greatest = values.max(initial=0.0)
    if not greatest > 0:
        return NOTHING
    kept = np.flatnonzero(values > NEGLIGIBLE * greatest)
    return Mass(first + int(kept[0]), values[kept[0] : kept[-1] + 1] / greatest, log_scale + math.log(float(greatest)))
