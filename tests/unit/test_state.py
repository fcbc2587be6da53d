"""Model states: integers that stand for angles and weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.errors import InvalidInput, NotFinite
from qfl.protocol.state import count_saturated, from_state, to_state
from qfl.protocol.types import ModelShape

NONE = np.zeros(0)
int32s = st.lists(st.integers(-(2**31), 2**31 - 1), max_size=12)


@given(int32s, int32s)
def test_every_state_survives_the_way_through_floats(quantum, classical):
    state = np.array(quantum + classical, dtype=np.int32)
    angles, weights = from_state(state, ModelShape(len(quantum), len(classical)))
    assert to_state(angles, weights).tolist() == state.tolist()


@pytest.mark.parametrize(
    ("turns", "expected"),
    [(0.25, 2**30), (-0.25, -(2**30)), (0.5, -(2**31)), (-0.5, -(2**31)), (1.25, 2**30), (-7.0, 0)],
)
def test_angles_wrap_after_four_pi(turns, expected):
    assert to_state(np.array([turns * 4 * np.pi]), NONE).tolist() == [expected]


def test_the_last_half_unit_before_the_wrap_rounds_onto_the_other_side():
    just_below = np.array([(2**31 - 0.25) * 4 * np.pi / 2**32])
    assert to_state(just_below, NONE).tolist() == [-(2**31)]


@pytest.mark.parametrize(
    ("weight", "expected"),
    [(1.0, 2**24), (-0.5, -(2**23)), (127.99999995, 2**31 - 1), (1e300, 2**31 - 1), (-1e300, -(2**31))],
)
def test_weights_are_fixed_point_and_saturate(weight, expected):
    assert to_state(NONE, np.array([weight])).tolist() == [expected]


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_diverged_parameters_are_refused(broken):
    with pytest.raises(NotFinite, match="angles is not finite at index 1"):
        to_state(np.array([0.0, broken]), NONE)
    with pytest.raises(NotFinite, match="weights is not finite at index 0"):
        to_state(NONE, np.array([broken]))


@pytest.mark.parametrize("state", [np.zeros(3, np.int32), np.zeros(4, np.int64), np.zeros((2, 2), np.int32)])
def test_state_of_another_shape_or_type_is_refused(state):
    with pytest.raises(InvalidInput):
        from_state(state, ModelShape(2, 2))


def test_weights_at_a_limit_are_counted_and_angles_are_not():
    state = to_state(np.array([-2 * np.pi, 0.0]), np.array([500.0, -500.0, 127.9, 0.0]))
    assert state[0] == -(2**31)
    assert count_saturated(state, ModelShape(2, 4)) == 2
