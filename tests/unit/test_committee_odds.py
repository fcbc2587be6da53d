"""The odds of a bad committee: against exact fractions, against the draw itself, and in the limits."""

from fractions import Fraction
from math import comb, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.scale.committees import Electorate, failure_probability, stall_tolerance
from experiments.scale.odds import seats_needed, unequal_stakes_bound
from qfl.protocol.draw import sample
from qfl.protocol.quorum import quorum_of


def enumerated(electorate: Electorate, tolerated: int) -> Fraction:
    """Committee by committee, over the number of bad members that are left: the plain recursion, in fractions."""
    good = {electorate.bad: Fraction(1)}
    for committee in range(electorate.committees):
        left, good, before = electorate.validators - committee * electorate.seats, {}, good
        for bad, chance in before.items():
            for i in range(min(tolerated, bad, electorate.seats) + 1):
                if ways := comb(bad, i) * comb(left - bad, electorate.seats - i):
                    good[bad - i] = good.get(bad - i, 0) + chance * Fraction(ways, comb(left, electorate.seats))
    return 1 - sum(good.values())


@st.composite
def electorates(draw):
    seats, committees = draw(st.integers(1, 10)), draw(st.integers(1, 5))
    validators = seats * committees + draw(st.sampled_from([0, 1, 7, 1_000]))
    return Electorate(validators, draw(st.integers(0, validators)), committees, seats)


@given(electorate=electorates(), data=st.data())
def test_odds_are_those_of_counting(electorate, data):
    tolerated = data.draw(st.integers(0, electorate.seats))
    exact, found = enumerated(electorate, tolerated), failure_probability(electorate, tolerated)
    assert found == 0 if exact == 0 else isclose(Fraction(found) / exact, 1, rel_tol=1e-10)


def test_tiny_odds_are_as_accurate_as_large_ones():
    """One minus the chance that all goes well would give 0: the double next to 1 is 1e-16 away."""
    electorate = Electorate(600, 100, 12, 40)
    exact = enumerated(electorate, 26)
    assert 0 < exact < Fraction(1, 10**12)
    assert isclose(Fraction(failure_probability(electorate, 26)) / exact, 1, rel_tol=1e-10)
    assert 0 < failure_probability(Electorate(10**6, 10**5, 4_000, 64), quorum_of(64) - 1) < 1e-20


def failed_share(stakes, bad, electorate, tolerated, rounds):
    """Share of rounds in which a committee has too many bad seats, by the contracts' own rule."""
    failed = 0
    for number in range(rounds):
        weights = dict(enumerate(stakes))
        drawn, _ = sample(weights, number.to_bytes(32), electorate.committees * electorate.seats)
        committees = zip(*[iter(drawn)] * electorate.seats, strict=True)
        failed += any(sum(member in bad for member in committee) > tolerated for committee in committees)
    return failed / rounds


def test_odds_are_those_of_the_contracts_draw():
    """1500 draws with fixed seeds, within 4 standard deviations: one committee's odds, 0.14, would be 20 away."""
    electorate, rounds = Electorate(30, 9, 4, 5), 1_500
    expected = failure_probability(electorate, 2)
    deviation = (expected * (1 - expected) / rounds) ** 0.5
    assert abs(failed_share([1] * 30, set(range(9)), electorate, 2, rounds) - expected) < 4 * deviation


def test_bound_for_unequal_stakes_holds_for_the_contracts_draw():
    """A third of the validators hold three fifths of the stake; the adversary's tenth is split among small ones."""
    stakes, bad = [3] * 20 + [1] * 40, set(range(20, 30))
    electorate = Electorate(60, 6, 2, 6)  # a tenth, of stake: 10 of 100
    bound = unequal_stakes_bound(electorate, 1, 3 / (100 / 60))
    assert 0.05 < failed_share(stakes, bad, electorate, 1, 400) <= bound < 0.6
    assert bound >= unequal_stakes_bound(electorate, 1, 1.0) >= failure_probability(electorate, 1)


@pytest.mark.parametrize(("seats", "stalls", "captures"), [(3, 2, 2), (4, 2, 3), (5, 2, 4), (6, 3, 4), (64, 22, 43)])
def test_committee_fails_with_a_third_and_with_two_thirds(seats, stalls, captures):
    assert stall_tolerance(seats) + 1 == stalls
    assert quorum_of(seats) == captures


@pytest.mark.parametrize("bad", [0, 12])
def test_nobody_and_everybody_bad(bad):
    assert failure_probability(Electorate(12, bad, 3, 4), 1) == bool(bad)


def test_needed_seats_are_the_fewest_that_do():
    seats = seats_needed(1_000, 200, 8, 1e-6, captured=True)
    assert failure_probability(Electorate(1_000, 200, 8, seats), quorum_of(seats) - 1) <= 1e-6
    for fewer in range(4, seats):
        assert failure_probability(Electorate(1_000, 200, 8, fewer), quorum_of(fewer) - 1) > 1e-6


def test_no_committee_is_large_enough_against_half_the_stake():
    assert seats_needed(1_000, 500, 8, 1e-6, captured=True) is None
