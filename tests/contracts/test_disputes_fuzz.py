"""Random rounds before the real `Disputes`: what follows the rule cannot be disputed at any lane, what does not can.

Expected values are `qfl.protocol.rule`'s, an implementation of its own. `QFL_FUZZ_SEED` replaces the fixed seed, and
`QFL_RANDOM_RUNS` says how many rounds there are: 60 unless it is set. `BeaconHarness` holds each round and judges all
its lanes in one call, so that nothing is mined.
"""

import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from brownie import BeaconHarness, Disputes, accounts, web3
from eth_abi import decode, encode
from eth_utils import function_signature_to_4byte_selector
from eth_utils.abi import collapse_if_tuple

from qfl.chain.parameters import load_parameters
from qfl.protocol.chunks import merkle_root
from qfl.protocol.lanes import lane_dtype, lane_limits
from qfl.protocol.rule import aggregate_shard, apply_global
from qfl.protocol.types import Checkpoint, LaneFormat, ModelShape, RoundNumber, ShardIndex
from scripts.deploy import NOBODY
from tests.contracts.dispute_testnet import Update, Vector, order_at
from tests.contracts.world import as_tuple, word

SEED = int(os.environ.get("QFL_FUZZ_SEED", "20"))
RUNS = int(os.environ.get("QFL_RANDOM_RUNS", "60"))
MOST_UPDATES, MOST_SHARDS = 20, 50
SHAPES = [ModelShape(1, 0), ModelShape(3, 2), ModelShape(8, 9), ModelShape(0, 12), ModelShape(20, 14)]
INT32 = np.iinfo(np.int32)
GAS = 10**9
FORMAT = ("laneBits", "quantumExponent", "classicalExponent")


@dataclass(frozen=True)
class Bench:
    """A harness for models of one shape, in one mode."""

    shape: ModelShape
    is_private: bool
    harness: Any

    def judge(self, name: str, *arguments: object) -> list[bytes]:
        """What each trial reverted with; empty for a proven fault."""
        (entry,) = (entry for entry in self.harness.abi if entry.get("name") == name)
        types = [collapse_if_tuple(parameter) for parameter in entry["inputs"]]
        data = function_signature_to_4byte_selector(f"{name}({','.join(types)})") + encode(types, arguments)
        call = {"to": self.harness.address, "data": "0x" + data.hex(), "gas": GAS}
        (outcomes,) = decode(["bytes[]"], bytes(web3.eth.call(call)))
        return list(outcomes)

    def judge_aggregate(self, rng, shard, base, parameters):
        """Have a shard's honest aggregate, and each of its lanes falsified, disputed; return who it is of, and it."""
        bits, trim_bps, total = parameters["laneBits"], parameters["trimBps"], self.shape.total
        count = int(rng.integers(1, MOST_UPDATES + 1))
        updates = [
            Update(100 + i, Vector(random_lanes(rng, total, bits), bits, rng.bytes(32 * self.is_private)))
            for i in range(count)
        ]
        right = Vector(aggregate_shard(np.stack([u.vector.lanes for u in updates]), trim_bps), 32)
        checkpoint = Checkpoint(
            *(RoundNumber(1), ShardIndex(shard), 0, count, base.root, 2**count - 1),
            *(merkle_root([u.leaf for u in updates]), right.root, word("content")),
        )
        trials = [
            (as_tuple(replace(checkpoint, aggregate_root=vector.root)), i, vector.opening(i), order_at(i, updates))
            for i, vector in accused(rng, right)
        ]
        openings = list(zip(*(chunk_openings(u.vector) for u in updates), strict=True))
        structs = [u.struct for u in updates]
        outcomes = self.judge("disputeAggregates", tuple(parameters.values()), structs, openings, trials)
        assert outcomes == verdicts("AggregateIsRight", right)
        return checkpoint, right

    def judge_model(self, rng, base, attested, parameters):
        """The same of the model that follows from `attested`: checkpoints and aggregates."""
        means, counts = [mean for _, mean in attested], [checkpoint.count for checkpoint, _ in attested]
        lane_format = LaneFormat(*(parameters[name] for name in FORMAT))
        right = Vector(apply_global(base.lanes, [m.lanes for m in means], counts, self.shape, lane_format), 32)
        outcomes = self.judge(
            "disputeModels",
            *(tuple(parameters.values()), base.root, [as_tuple(checkpoint) for checkpoint, _ in attested]),
            *(list(zip(*(chunk_openings(mean) for mean in means), strict=True)), chunk_openings(base)),
            [(vector.root, i, vector.opening(i)) for i, vector in accused(rng, right)],
        )
        assert outcomes == verdicts("ModelIsRight", right)


@pytest.fixture(scope="module")
def benches(module_isolation):
    benches = []
    for shape, is_private in product(SHAPES, (False, True)):
        harness = accounts[0].deploy(BeaconHarness, shape.quantum, shape.classical, is_private)
        disputes = accounts[0].get_deployment_address(accounts[0].nonce + 1)
        harness.expect(disputes, tuple(load_parameters().rounds.values()))
        accounts[0].deploy(Disputes, harness, harness, [], harness, NOBODY)
        benches.append(Bench(shape, is_private, harness))
    return benches


@contextmanager
def naming(case):
    """Have what fails say where."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"seed {SEED}, case {case}") from error


def random_lanes(rng, count, bits):
    """Lanes of one of several kinds: any, at the limits, small, all the same."""
    least, most = lane_limits(bits)
    kind = rng.integers(4)
    if kind == 0:
        lanes = rng.integers(least, most, count, np.int64, endpoint=True)
    elif kind == 1:
        lanes = rng.choice([least, most, -1, 0, 1], count)
    elif kind == 2:
        lanes = rng.integers(-3, 4, count)
    else:
        lanes = np.full(count, rng.integers(least, most, endpoint=True))
    return lanes.astype(lane_dtype(bits))


def falsified(rng, vector, coordinate):
    """The same vector with another value at `coordinate`: next to the right one, its negative, a limit, or any."""
    right = int(vector.lanes[coordinate])
    anything = int(rng.integers(INT32.min, INT32.max, endpoint=True))
    values = [right + 1, right - 1, -right, int(INT32.min), int(INT32.max), right ^ 1 << 31, anything]
    false = [value for value in values if value != right and INT32.min <= value <= INT32.max]
    return vector.with_lane(coordinate, int(rng.choice(false)))


def accused(rng, right):
    """The right vector, accused at every lane, and then one that is false there."""
    lanes = range(len(right.lanes))
    return [(i, right) for i in lanes] + [(i, falsified(rng, right, i)) for i in lanes]


def chunk_openings(vector):
    return [vector.opening_of_chunk(k) for k in range(len(vector.chunks))]


def reason(error, coordinate, value):
    return function_signature_to_4byte_selector(f"{error}(uint32,int32)") + encode(
        ["uint32", "int32"], [coordinate, value]
    )


def verdicts(error, right):
    """What to expect of `accused`."""
    return [reason(error, i, int(value)) for i, value in enumerate(right.lanes)] + [b""] * len(right.lanes)


def test_random_rounds_are_judged_by_the_rule(benches):
    """Shards' aggregates, and the model that follows from them, at trims of none, a quarter, half and any.

    Every third round has one shard, whose checkpoint carries the model; of the others' 50 one to three bring one.
    """
    rng = np.random.default_rng([SEED, 1])
    for case in range(RUNS):
        bench = benches[case % len(benches)]
        is_alone = case % 3 == 0
        parameters = load_parameters(
            shards=1 if is_alone else MOST_SHARDS,
            laneBits=int(rng.choice([4, 8, 16])),
            trimBps=[0, 2500, 5000, int(rng.integers(5000))][case % 4],
            quantumExponent=int(rng.integers(29)),
            classicalExponent=int(rng.integers(29)),
        ).rounds
        base = Vector(random_lanes(rng, bench.shape.total, 32), 32)
        shards = [0] if is_alone else sorted(rng.choice(MOST_SHARDS, rng.integers(1, 4), replace=False).tolist())
        with naming(case):
            attested = [bench.judge_aggregate(rng, shard, base, parameters) for shard in shards]
            bench.judge_model(rng, base, attested, parameters)


def test_random_models_are_judged_by_the_rule(benches):
    """Of any aggregates at all, also such as no updates come to, over up to 256 updates a shard."""
    rng = np.random.default_rng([SEED, 2])
    for case in range(RUNS):
        bench = benches[case % len(benches)]
        exponents = {f"{block}Exponent": int(rng.integers(29)) for block in ("quantum", "classical")}
        parameters = load_parameters(shards=MOST_SHARDS, **exponents).rounds
        counts = [int(count) for count in rng.integers(1, 257, rng.integers(1, 5))]
        base, *means = (Vector(random_lanes(rng, bench.shape.total, 32), 32) for _ in range(1 + len(counts)))
        shards = sorted(rng.choice(MOST_SHARDS, len(counts), replace=False).tolist())
        checkpoints = [
            Checkpoint(
                *(RoundNumber(1), ShardIndex(shard), 0, count, base.root, 1),
                *(word("updates"), mean.root, word("content")),
            )
            for shard, count, mean in zip(shards, counts, means, strict=True)
        ]
        with naming(case):
            bench.judge_model(rng, base, list(zip(checkpoints, means, strict=True)), parameters)
