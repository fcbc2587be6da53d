"""The aggregation rule, to the bit: worked out by hand here, by plain integers in the vectors."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qfl.errors import InvalidInput
from qfl.protocol.lanes import lane_dtype
from qfl.protocol.rule import BLOCK, aggregate_shard, apply_global, squared_norm
from qfl.protocol.types import LaneFormat, ModelShape

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "aggregate.json").read_text())

updates = hnp.arrays(np.int8, st.tuples(st.integers(1, 40), st.integers(1, 5)))
trims = st.integers(0, 5000)


@pytest.mark.parametrize("case", VECTORS["shard"], ids=lambda case: case["name"])
def test_shard_vectors(case):
    lanes = np.array(case["updates"], lane_dtype(case["laneBits"]))
    means = aggregate_shard(lanes, case["trimBps"])
    assert means.dtype == np.int32
    assert means.tolist() == case["means"]


@pytest.mark.parametrize("case", VECTORS["global"], ids=lambda case: case["name"])
def test_global_vectors(case):
    model = apply_global(
        np.array(case["base"], np.int32),
        [np.array(mean, np.int32) for mean in case["means"]],
        case["counts"],
        ModelShape(case["quantum"], len(case["base"]) - case["quantum"]),
        LaneFormat(8, case["quantumExponent"], case["classicalExponent"]),
    )
    assert model.dtype == np.int32
    assert model.tolist() == case["model"]


@pytest.mark.parametrize("case", VECTORS["norm"])
def test_norm_vectors(case):
    assert squared_norm(np.array(case["lanes"], lane_dtype(case["laneBits"]))) == case["squaredNorm"]


def test_mean_has_eight_fraction_bits_and_truncates_toward_zero():
    lanes = np.array([[1, -1], [0, 0], [0, 0]], np.int8)
    assert aggregate_shard(lanes, 0).tolist() == [85, -85]  # 256 / 3


@given(updates)
def test_median_is_that_of_numpy(lanes):
    """An independent oracle; Flower's `FedMedian` takes the same of every layer."""
    assert aggregate_shard(lanes, 5000).tolist() == (np.median(lanes.astype(float), axis=0) * 256).tolist()


@given(updates, trims)
def test_trimmed_mean_is_that_of_the_formula(lanes, trim_bps):
    """Yin et al. 2018, definition 2, in floating point: what Flower's `FedTrimmedAvg` takes of every layer."""
    count = lanes.shape[0]
    trim = min(int(trim_bps * count / 10_000), (count - 1) // 2)
    kept = np.sort(lanes, axis=0)[trim : count - trim].astype(float)
    assert np.abs(aggregate_shard(lanes, trim_bps) - kept.mean(axis=0) * 256).max() < 1


@pytest.mark.parametrize("trim_bps", [0, 2000])
def test_blocks_of_coordinates_come_to_what_the_whole_does(trim_bps):
    """More coordinates than two blocks, and not a multiple of one."""
    lanes = np.random.default_rng(3).integers(-32_767, 32_768, (9, 2 * BLOCK + 5)).astype(np.int16)
    trim = trim_bps * 9 // 10_000
    totals = np.sort(lanes, axis=0)[trim : 9 - trim].sum(axis=0, dtype=np.int64) * 256
    expected = np.trunc(totals / (9 - 2 * trim)).astype(np.int32)  # exact: below 2^53
    assert np.array_equal(aggregate_shard(list(lanes), trim_bps), expected)


def test_memory_beside_the_lanes_does_not_grow_with_them():
    """A copy of all lanes would double what a committee of a large shard needs."""
    lanes = list(np.ones((64, 40 * BLOCK), np.int8))
    tracemalloc.start()
    means = aggregate_shard(lanes, 1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - means.nbytes < 4 * 64 * BLOCK < lanes[0].nbytes * 64 / 8


@given(updates, trims, st.randoms())
def test_order_of_the_updates_does_not_matter(lanes, trim_bps, random):
    order = list(range(lanes.shape[0]))
    random.shuffle(order)
    assert aggregate_shard(lanes, trim_bps).tolist() == aggregate_shard(lanes[order], trim_bps).tolist()


@given(updates, trims)
def test_mean_lies_between_the_extremes_and_is_odd(lanes, trim_bps):
    wide = lanes.astype(np.int16)
    means = aggregate_shard(wide, trim_bps)
    assert (means >= wide.min(axis=0).astype(np.int32) * 256).all()
    assert (means <= wide.max(axis=0).astype(np.int32) * 256).all()
    assert aggregate_shard(-wide, trim_bps).tolist() == (-means).tolist()


def test_refusals():
    with pytest.raises(InvalidInput, match="at least one"):
        aggregate_shard(np.zeros((0, 3), np.int8), 0)
    with pytest.raises(InvalidInput, match="at most 5000"):
        aggregate_shard(np.zeros((3, 3), np.int8), 5001)
    with pytest.raises(InvalidInput, match="counts"):
        apply_global(np.zeros(1, np.int32), [], [], ModelShape(1, 0), LaneFormat(8, 8, 8))
    with pytest.raises(InvalidInput, match="exponent = 32"):
        apply_global(np.zeros(1, np.int32), [np.zeros(1, np.int32)], [1], ModelShape(1, 0), LaneFormat(8, 32, 0))
    with pytest.raises(InvalidInput, match="2 coordinates"):
        apply_global(np.zeros(2, np.int32), [np.zeros(1, np.int32)], [1], ModelShape(2, 0), LaneFormat(8, 8, 8))
