"""Model states: integers that stand for angles and weights, and what training changed in them: the short way round."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.errors import InvalidInput, NotFinite
from qfl.protocol.state import (
    ANGLE_PERIOD,
    ANGLE_UNIT,
    WEIGHT_UNIT,
    compute_delta,
    count_saturated,
    from_state,
    to_state,
)
from qfl.protocol.types import ModelShape

NONE = np.zeros(0)
int32s = st.integers(-(2**31), 2**31 - 1)
states = st.lists(int32s, max_size=12)


@given(states, states)
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


# --- what training changed ---


SHAPE = ModelShape(quantum=1, classical=1)


def delta(angle, weight=0.0, base_angle=0, base_weight=0):
    """Difference in model units of one angle (radians) and one weight."""
    base = np.array([base_angle, base_weight], np.int32)
    return compute_delta(np.array([angle]), np.array([weight]), base, SHAPE).tolist()


@given(st.lists(int32s, min_size=1, max_size=8), st.lists(int32s, min_size=1, max_size=8))
def test_untrained_model_has_no_difference_at_all(quantum, classical):
    """Rounding noise here would have every client send, and pay for, an update that says nothing."""
    shape = ModelShape(len(quantum), len(classical))
    base = np.array(quantum + classical, np.int32)
    assert not compute_delta(*from_state(base, shape), base, shape).any()


def test_units_of_the_two_blocks():
    assert delta(ANGLE_PERIOD / 4, 1.5) == [2**30, 1.5 * 2**24]
    assert delta(-ANGLE_PERIOD / 8, -0.25) == [-(2**29), -(2**22)]


def test_angle_that_crossed_the_wrap_moved_a_little_and_not_a_whole_turn():
    """From just below half a turn to just above: a difference of the plain numbers would be -2^32."""
    assert delta((2**31 + 5) * ANGLE_UNIT, base_angle=2**31 - 5)[0] == pytest.approx(10, abs=1e-6)
    assert delta(-(2**31 + 5) * ANGLE_UNIT, base_angle=-(2**31))[0] == pytest.approx(-5, abs=1e-6)


@pytest.mark.parametrize("turns", [-3, -1, 1, 1000])
def test_whole_turns_do_not_count(turns):
    assert delta(0.25 + turns * ANGLE_PERIOD) == pytest.approx(delta(0.25), abs=0.01)


@given(st.floats(-1e6, 1e6), int32s)
def test_difference_leads_from_the_base_to_the_trained_angle(angle, base_angle):
    (moved, _) = delta(angle, base_angle=base_angle)
    assert -(2**31) <= moved <= 2**31
    reached = (base_angle + moved) * ANGLE_UNIT
    assert np.exp(0.5j * reached) == pytest.approx(np.exp(0.5j * angle), abs=1e-6)


def test_difference_below_one_unit_is_kept():
    """Error feedback lives on these: taken modulo a turn first, they would drown in the rounding of 2^31."""
    assert delta(1e-9 * ANGLE_UNIT)[0] == pytest.approx(1e-9, rel=1e-9)


def test_weights_do_not_wrap():
    assert delta(0.0, 200.0)[1] == 200 * 2**24


def test_weight_moves_from_its_base():
    assert delta(0.0, 0.5, base_weight=2**22)[1] == (0.5 - 2**22 * WEIGHT_UNIT) / WEIGHT_UNIT == 2**22


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_diverged_training_is_refused_and_named(broken):
    with pytest.raises(NotFinite, match="the trained angles is not finite at index 0"):
        delta(broken)
    with pytest.raises(NotFinite, match="the trained weights is not finite at index 0"):
        delta(0.0, broken)
