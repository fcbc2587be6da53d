"""Who is there: nobody is lost or counted twice, shares are kept on average, and the seed decides all of it."""

from __future__ import annotations

from statistics import mean

import pytest

from qfl.simulation.faults.clients import Schedule
from qfl.simulation.faults.config import Dynamics

CHURN = Dynamics(churn=0.3, exits=0.2, longest_absence=2, newcomers=30, stragglers=0.1)


def schedule(dynamics: Dynamics = CHURN, clients: int = 20, seed: int = 1) -> Schedule:
    return Schedule(clients, dynamics, seed)


def test_everybody_is_there_in_the_first_round_and_in_every_calm_one() -> None:
    assert schedule().at(1).present == frozenset(range(20))
    calm = schedule(Dynamics())
    assert all(calm.at(number).present == frozenset(range(20)) for number in range(1, 9))
    assert not any(calm.at(number).slow for number in range(1, 9))


def test_the_seed_decides_and_the_order_of_questions_does_not() -> None:
    """A resumed run asks for its current round first."""
    assert schedule().at(9) == [schedule().at(number) for number in range(1, 10)][-1]
    assert schedule().at(9) != schedule(seed=2).at(9)


def test_a_client_is_present_or_away_or_gone_for_good() -> None:
    plan = schedule()
    for number in range(1, 30):
        now = plan.at(number)
        assert now.present | set(now.away) == now.members
        assert not now.present & set(now.away)
        assert not now.members & now.departed
        assert now.members | now.departed == set(range(len(now.members) + len(now.departed)))
        assert now.slow <= now.present


def test_whoever_is_away_comes_back_on_time() -> None:
    plan = schedule()
    for number in range(2, 30):
        before, now = plan.at(number - 1), plan.at(number)
        assert now.returned == {client for client, back in before.away.items() if back == number}
        assert all(number < back <= number + 2 for client, back in now.away.items() if client not in before.away)


def test_a_newcomer_joins_for_each_that_leaves_while_there_are_any() -> None:
    plan = schedule(Dynamics(churn=0.3, exits=0.5, newcomers=4))
    rounds = [plan.at(number) for number in range(1, 12)]
    joined = [client for now in rounds for client in sorted(now.joined)]
    assert joined == [20, 21, 22, 23]
    assert all(len(now.joined) == len(now.left) for now in rounds if max(now.members | now.departed) < 23)
    assert len(rounds[-1].departed) > 4


@pytest.mark.parametrize("clients", [7, 20])
def test_shares_are_right_on_average_also_where_they_are_fractions(clients: int) -> None:
    """Seven clients with a tenth that straggles: rounding down would mean never."""
    plan = schedule(Dynamics(churn=0.3, exits=0.0, stragglers=0.1), clients)
    rounds = [(plan.at(number - 1), plan.at(number)) for number in range(2, 402)]
    assert mean(len(before.present - now.present) / len(before.present) for before, now in rounds) == pytest.approx(
        0.3, abs=0.03
    )
    assert mean(len(now.slow) / len(now.present) for _, now in rounds) == pytest.approx(0.1, abs=0.02)
