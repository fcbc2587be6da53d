"""Deadlines that follow what rounds took: bounds that hold for any times, and that they settle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.errors import InvalidInput
from qfl.node.deadline_rule import DeadlineRule

RULE = DeadlineRule(quantile=0.9, margin=1.5, growth=2.0, floor=10, ceiling=1_000)
SECONDS = st.floats(min_value=0, max_value=2_000)
TIMES = st.lists(SECONDS, max_size=30)
RULES = st.builds(
    DeadlineRule,
    quantile=st.floats(min_value=0.05, max_value=1.0),
    margin=st.floats(min_value=1.01, max_value=4.0),
    growth=st.floats(min_value=1.2, max_value=4.0),
    floor=st.integers(min_value=1, max_value=50),
    ceiling=st.integers(min_value=50, max_value=5_000),
)


def seen_within(deadline: int, times: list[float]) -> list[float]:
    """What the chain shows of clients who need these times: nothing of those who are late."""
    return [time for time in times if time <= deadline]


@given(RULES, st.integers(min_value=50, max_value=5_000), TIMES)
def test_a_step_stays_within_the_bounds(rule: DeadlineRule, current: int, times: list[float]) -> None:
    current = min(current, rule.ceiling)
    after = rule.next_seconds(current, seen_within(current, times))
    assert rule.floor <= after <= rule.ceiling
    assert current / rule.growth <= after <= current * rule.growth + 1 or after == rule.floor


@given(RULES, st.integers(min_value=50, max_value=5_000), TIMES)
def test_deadlines_settle_whatever_clients_need(rule: DeadlineRule, current: int, times: list[float]) -> None:
    """A rule that swings would have some clients in every other round only."""
    deadline = min(current, rule.ceiling)
    passed = [deadline]
    for _ in range(400):
        deadline = rule.next_seconds(deadline, seen_within(deadline, times))
        passed.append(deadline)
    assert deadline == passed[-2]


@given(st.lists(st.floats(min_value=1, max_value=600), min_size=1, max_size=30))
def test_from_the_ceiling_they_settle_where_the_quantile_has_its_margin(times: list[float]) -> None:
    deadline = RULE.ceiling
    for _ in range(50):
        deadline = RULE.next_seconds(deadline, seen_within(deadline, times))
    seen = seen_within(deadline, times)
    slowest_that_counts = sorted(seen)[max(0, -(-len(seen) * 9 // 10) - 1)]
    assert deadline == pytest.approx(max(RULE.floor, min(1_000, 1.5 * slowest_that_counts)), abs=1)


@pytest.mark.parametrize(
    ("deadline", "times", "settled"),
    [
        pytest.param(1_000, [60.0] * 18 + [600.0] * 2, 90, id="a tenth that straggles holds nobody up"),
        pytest.param(10, [100.0, 110.0, 120.0], 180, id="too short for everybody: it grows until they are seen"),
    ],
)
def test_deadlines_settle_at(deadline: int, times: list[float], settled: int) -> None:
    for _ in range(10):
        deadline = RULE.next_seconds(deadline, seen_within(deadline, times))
    assert deadline == settled


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"margin": 1.0}, "margin = 1.0: must be a number above 1"),
        ({"growth": float("inf")}, "growth = inf"),
        ({"quantile": 0}, "quantile = 0: must be a number above 0, at most 1"),
        ({"floor": 0}, "floor = 0: must be a whole number"),
        ({"ceiling": 9}, "floor = 60: must not be above the ceiling, 9"),
    ],
)
def test_what_cannot_settle_is_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        DeadlineRule(**values)  # type: ignore[arg-type]  # wrong values are what is tried
