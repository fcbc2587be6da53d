"""Packed lanes, and the way from a trained difference to them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.errors import InvalidInput, MalformedContent
from qfl.protocol.lanes import (
    MAX_EXPONENT,
    choose_exponents,
    find_clipping,
    pack_lanes,
    packed_bytes,
    quantise,
    unpack_lanes,
)
from qfl.protocol.rule import squared_norm
from qfl.protocol.types import LaneFormat, ModelShape

SHAPE = ModelShape(quantum=2, classical=2)
FORMAT = LaneFormat(lane_bits=8, quantum_exponent=20, classical_exponent=4)
UNIT = np.array([2.0**20, 2.0**20, 16.0, 16.0])
NO_BOUND = 2**60
ZEROS = np.zeros(4)


@given(st.sampled_from([4, 8, 16, 32]), st.data())
def test_unpacking_undoes_packing(bits, data):
    limit = 2 ** (bits - 1)
    values = data.draw(st.lists(st.integers(-limit, limit - 1), max_size=70))
    lanes = np.array(values, dtype=np.int64)
    packed = pack_lanes(lanes, bits)
    assert len(packed) == packed_bytes(len(values), bits)
    assert unpack_lanes(packed, bits, len(values)).tolist() == values


def test_lanes_are_big_endian_twos_complement():
    assert pack_lanes(np.array([1, -2]), 16).hex() == "0001fffe"
    assert pack_lanes(np.array([-128, 127]), 8).hex() == "807f"
    assert pack_lanes(np.array([-8, 7, -1]), 4).hex() == "87f0"


@pytest.mark.parametrize(("lane", "bits"), [(128, 8), (-129, 8), (8, 4), (-9, 4)])
def test_lane_that_does_not_fit_is_refused_rather_than_wrapped(lane, bits):
    with pytest.raises(InvalidInput, match=f"{bits} bits"):
        pack_lanes(np.array([lane]), bits)


def test_nibble_behind_the_last_lane_is_zero():
    """Else the same lanes would have several encodings, and roots."""
    assert unpack_lanes(b"\x87\xf0", 4, 3).tolist() == [-8, 7, -1]
    with pytest.raises(MalformedContent, match="behind the last lane"):
        unpack_lanes(b"\x87\xf1", 4, 3)


@pytest.mark.parametrize("count", [1, 3])
def test_unpacking_another_number_of_lanes_is_refused(count):
    with pytest.raises(InvalidInput):
        unpack_lanes(bytes(4), 16, count)


def test_whole_multiples_of_the_unit_are_exact():
    quantised = quantise(UNIT * [3, -4, 5, 127], ZEROS, SHAPE, FORMAT, NO_BOUND, np.random.default_rng(0))
    assert quantised.lanes.dtype == np.int8
    assert quantised.lanes.tolist() == [3, -4, 5, 127]
    assert quantised.residual.tolist() == [0, 0, 0, 0]


def test_what_is_clipped_stays_in_the_residual():
    quantised = quantise(UNIT * [200, -200, 0, 0], ZEROS, SHAPE, FORMAT, NO_BOUND, np.random.default_rng(0))
    assert quantised.lanes.tolist() == [127, -127, 0, 0]
    assert quantised.residual.tolist() == [73 * 2**20, -73 * 2**20, 0, 0]


@given(
    st.lists(st.floats(-300, 300), min_size=4, max_size=4),
    st.lists(st.floats(-2, 2), min_size=4, max_size=4),
    st.integers(0, 40_000),
    st.integers(0, 2**32),
)
def test_lanes_obey_range_and_norm_and_lose_nothing(delta, residual, bound, seed):
    quantised = quantise(UNIT * delta, UNIT * residual, SHAPE, FORMAT, bound, np.random.default_rng(seed))
    assert np.abs(quantised.lanes).max() <= 127
    assert squared_norm(quantised.lanes) <= bound
    said = quantised.lanes * UNIT + quantised.residual
    assert said == pytest.approx(UNIT * delta + UNIT * residual, abs=1e-3)


def test_rounding_is_right_on_average():
    rng = np.random.default_rng(1)
    delta = UNIT * [0.25, -0.25, 0.5, -2.75]
    draws = np.array([quantise(delta, ZEROS, SHAPE, FORMAT, NO_BOUND, rng).lanes for _ in range(4000)], dtype=np.int64)
    # Five standard errors of a coin: 5 * 0.5 / sqrt(4000).
    assert draws.mean(axis=0) == pytest.approx([0.25, -0.25, 0.5, -2.75], abs=0.04)


def test_lanes_held_back_wait_until_they_are_among_the_largest():
    """Nothing is lost: what was sent in all rounds, and what still waits, is what training asked for."""
    rng, residual, sent = np.random.default_rng(1), ZEROS, ZEROS
    delta = UNIT * np.array([5, 3, -2, 1])
    rounds = []
    for _ in range(4):
        quantised = quantise(delta, residual, SHAPE, FORMAT, NO_BOUND, rng, sent_share=0.25)
        residual, sent = quantised.residual, sent + quantised.lanes * UNIT
        rounds.append(quantised.lanes.tolist())
    assert rounds == [[5, 0, 0, 0], [0, 6, 0, 0], [10, 0, 0, 0], [0, 0, -8, 0]]
    assert (sent + residual).tolist() == (4 * delta).tolist()


@pytest.mark.parametrize(("share", "sent"), [(0.01, 1), (0.26, 2), (1.0, 4)])
def test_share_of_sent_lanes_is_rounded_up(share, sent):
    quantised = quantise(UNIT * [9, 8, 7, 6], ZEROS, SHAPE, FORMAT, NO_BOUND, np.random.default_rng(0), share)
    assert np.count_nonzero(quantised.lanes) == sent


def test_clipping_names_the_exponent_to_choose():
    # 127 * 2**22 is the first power of two that reaches 300 * 2**20; a lane of 127 is not clipped.
    [complaint] = find_clipping(UNIT * [300, 1, 127, 0], SHAPE, FORMAT)
    assert complaint == "50% of its angles moved too far for lanes of quantumExponent 20: choose 22"
    wider = LaneFormat(lane_bits=8, quantum_exponent=22, classical_exponent=4)
    assert find_clipping(UNIT * [300, 1, 127, 0], SHAPE, wider) == []


def test_a_few_clipped_lanes_are_no_reason_for_coarser_ones():
    shape = ModelShape(quantum=20, classical=0)
    assert find_clipping(np.repeat([2.0**30, 1.0], [2, 18]), shape, FORMAT) == []
    [complaint] = find_clipping(np.repeat([2.0**30, 2.0**28, 1.0], [2, 1, 17]), shape, FORMAT)
    assert complaint.endswith("choose 22")  # 127 * 2**22 reaches the third largest


@pytest.mark.parametrize(("bits", "exponents"), [(4, (24, 6)), (8, (23, 5)), (16, (14, 0))])
def test_chosen_exponents_make_the_largest_change_span_the_lanes_meant_for_it(bits, exponents):
    """24 lanes of 2**23, which is what the presets see on the digits; and a block of its own for weights."""
    delta = np.repeat([-24 * 2.0**23, 1.0, 1000.0, -1.0], [1, 19, 1, 19])
    assert choose_exponents(delta, ModelShape(20, 20), bits) == exponents


def test_chosen_exponents_clip_few_changes():
    shape = ModelShape(0, 20)
    delta = np.repeat([700.0, 1.0], [3, 17])
    chosen = LaneFormat(4, *choose_exponents(delta, shape, 4))
    assert chosen.classical_exponent == 7
    assert find_clipping(delta, shape, chosen) == []


def test_chosen_exponents_are_those_that_contracts_take():
    assert choose_exponents(np.array([2.0**40, 0.0, 0.0, 0.0]), SHAPE, 4) == (MAX_EXPONENT, 0)


def test_each_block_has_its_own_exponent():
    weights = find_clipping(UNIT * [0, 0, -128, 0], SHAPE, FORMAT)
    assert weights == ["50% of its weights moved too far for lanes of classicalExponent 4: choose 5"]
    assert find_clipping(np.array([1.0]), ModelShape(1, 0), FORMAT) == []
