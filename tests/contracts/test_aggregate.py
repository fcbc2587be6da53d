"""`Aggregate` and `Lanes`: bit for bit what `qfl.protocol.rule` and `qfl.protocol.lanes` compute."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from qfl.protocol.chunks import split_leaves
from qfl.protocol.lanes import lane_dtype, lane_limits, pack_lanes
from qfl.protocol.rule import aggregate_shard, apply_global, squared_norm
from qfl.protocol.types import LaneFormat, ModelShape

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "aggregate.json").read_text())


@pytest.fixture(scope="module")
def harness(AggregateHarness, accounts):
    return accounts[0].deploy(AggregateHarness)


def chunks(lanes, bits):
    return ["0x" + chunk.hex() for chunk in split_leaves(pack_lanes(np.array(lanes, np.int64), bits))]


@pytest.mark.parametrize("case", VECTORS["shard"], ids=lambda case: case["name"])
def test_shard_vectors(harness, case):
    bits = case["laneBits"]
    updates = [chunks(update, bits) for update in case["updates"]]
    assert list(harness.aggregate(updates, bits, len(case["means"]), case["trimBps"])) == case["means"]


@pytest.mark.parametrize("case", VECTORS["global"], ids=lambda case: case["name"])
def test_global_vectors(harness, case):
    model = harness.applyGlobal(
        case["base"],
        case["means"],
        case["counts"],
        case["quantum"],
        case["quantumExponent"],
        case["classicalExponent"],
    )
    assert list(model) == case["model"]


@pytest.mark.parametrize("case", VECTORS["norm"], ids=lambda case: f"{len(case['lanes'])} lanes")
def test_norm_vectors(harness, case):
    assert harness.squaredNorm(chunks(case["lanes"], case["laneBits"]), case["laneBits"]) == case["squaredNorm"]


@pytest.mark.parametrize("bits", [4, 8, 16])
@pytest.mark.parametrize("clients", [1, 2, 3, 16, 40])
def test_random_updates_aggregate_as_in_python(harness, bits, clients):
    rng = np.random.default_rng([bits, clients])
    lanes = rng.integers(*lane_limits(bits), (clients, 24), lane_dtype(bits), endpoint=True)
    for trim_bps in (0, 700, 2500, 4999, 5000):
        means = harness.aggregate([chunks(row, bits) for row in lanes], bits, 24, trim_bps)
        assert list(means) == aggregate_shard(lanes, trim_bps).tolist()
    for row in lanes[:3]:
        assert harness.squaredNorm(chunks(row, bits), bits) == squared_norm(row)


@pytest.mark.parametrize("bits", [4, 8, 16])
def test_norms_are_exact_where_lanes_are_extreme(harness, bits):
    """Every lane at one limit, each lane alone at either, alternating ones: nothing carries or borrows into the sum."""
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    alone = [[limit if i == k else 0 for i in range(64)] for limit in (low, high) for k in range(64)]
    for lanes in ([low] * 70, [high] * 70, [low, high] * 35, [-1] * 64, [1] * 64, [low] + [high] * 40, *alone):
        assert harness.squaredNorm(chunks(lanes, bits), bits) == sum(lane * lane for lane in lanes)


@pytest.mark.parametrize("exponents", [(0, 31), (5, 8), (8, 9), (23, 0), (31, 7)])
def test_random_models_step_as_in_python(harness, exponents):
    rng = np.random.default_rng(exponents)
    limits = np.iinfo(np.int32)
    base, *means = rng.integers(limits.min, limits.max, (4, 16), np.int32, endpoint=True)
    means = [means[0], means[1] >> 12, means[2] >> 20]
    counts = [1, 256, 77]
    model = harness.applyGlobal(base.tolist(), [mean.tolist() for mean in means], counts, 9, *exponents)
    assert list(model) == apply_global(base, means, counts, ModelShape(9, 7), LaneFormat(8, *exponents)).tolist()


@pytest.mark.parametrize(
    ("coordinates", "bits", "count"),
    [(64, 4, 1), (65, 4, 2), (1, 8, 1), (32, 8, 1), (33, 8, 2), (16, 16, 1), (17, 16, 2), (9, 32, 2)],
)
def test_chunks_for_rounds_up(harness, coordinates, bits, count):
    assert harness.chunksFor(coordinates, bits) == count == len(chunks([0] * coordinates, bits))


def test_no_order_of_the_updates_makes_a_dispute_too_dear(harness):
    rising = list(range(-128, 128))
    shuffled = random.Random(1).sample(rising, 256)
    costs = [harness.gasOfMean(lanes, 1000) for lanes in (rising, rising[::-1], shuffled, [0] * 256)]
    assert max(costs) < 1.1 * min(costs) < 800_000
    assert harness.gasOfMean(shuffled[:16], 1000) < 4_000
    assert max(harness.gasOfMean(lanes, 5000) for lanes in (rising, rising[::-1], shuffled)) < 3_000_000
