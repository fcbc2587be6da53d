"""`Aggregate` and `Lanes`: bit for bit what `qfl.protocol.rule` and `qfl.protocol.lanes` compute."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from qfl.protocol.chunks import split_leaves
from qfl.protocol.lanes import lane_dtype, lane_limits, pack_lanes
from qfl.protocol.rule import aggregate_shard, apply_global, rising_order, squared_norm
from qfl.protocol.types import LaneFormat, ModelShape
from tests.contracts.world import reverts

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "aggregate.json").read_text())


@pytest.fixture(scope="module")
def harness(AggregateHarness, accounts):
    return accounts[0].deploy(AggregateHarness)


def chunks(lanes, bits):
    return ["0x" + chunk.hex() for chunk in split_leaves(pack_lanes(np.array(lanes, np.int64), bits))]


def orders_of(lanes):
    """The order of the updates at each coordinate; `lanes` are `[updates, coordinates]`."""
    return [rising_order(column) for column in lanes.T]


@pytest.mark.parametrize("case", VECTORS["shard"], ids=lambda case: case["name"])
def test_shard_vectors(harness, case):
    bits = case["laneBits"]
    updates = [chunks(update, bits) for update in case["updates"]]
    orders = orders_of(np.array(case["updates"]))
    assert list(harness.aggregate(updates, bits, len(case["means"]), case["trimBps"], orders)) == case["means"]


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
        means = harness.aggregate([chunks(row, bits) for row in lanes], bits, 24, trim_bps, orders_of(lanes))
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


RISING = list(range(-128, 128))
SHUFFLED = random.Random(1).sample(RISING, 256)


@pytest.mark.parametrize(("trim_bps", "most"), [(0, 60_000), (2500, 150_000), (5000, 150_000)])
def test_the_cost_of_256_updates_is_the_same_whatever_they_are(harness, trim_bps, most):
    costs = [
        harness.gasOfMean(lanes, trim_bps, rising_order(np.array(lanes)))
        for lanes in (RISING, RISING[::-1], SHUFFLED, [0] * 256)
    ]
    assert max(costs) < 1.01 * min(costs) < most


@pytest.mark.parametrize(
    ("order", "index"),
    [
        pytest.param(bytes([0, 1, 2, 3]), 1, id="falling"),
        pytest.param(bytes([1, 0, 0, 2]), 2, id="twice"),
        pytest.param(bytes([1, 0, 3, 4]), 3, id="beyond the last"),
    ],
)
def test_a_wrong_order_is_refused(harness, order, index):
    lanes = [5, -7, 9, 6]
    assert rising_order(np.array(lanes)) == bytes([1, 0, 3, 2])
    with reverts("WrongOrder", index):
        harness.gasOfMean(lanes, 2500, order)


@pytest.mark.parametrize("order", [b"", bytes([1, 0, 3]), bytes([1, 0, 3, 2, 0])])
def test_an_order_of_more_or_fewer_lanes_is_refused(harness, order):
    with reverts("WrongCount", "order", len(order), 4):
        harness.gasOfMean([5, -7, 9, 6], 2500, order)


def test_equal_lanes_may_stand_either_way(harness):
    for order in (bytes([0, 1, 2, 3]), bytes([0, 2, 1, 3])):
        harness.gasOfMean([1, 2, 2, 3], 2500, order)
