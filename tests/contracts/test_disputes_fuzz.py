"""Random rounds before the real `Disputes`: what follows the rule cannot be disputed at any lane, what does not can.

Expected values are `qfl.protocol.rule`'s, an implementation of its own. `QFL_FUZZ_SEED` replaces the fixed seed.
`BeaconHarness` holds each round and judges all its lanes in one call, so that nothing is mined.
"""

import os
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from brownie import BeaconHarness, Disputes, accounts, web3
from eth_abi import decode, encode
from eth_utils import function_signature_to_4byte_selector

from qfl.chain.parameters import load_parameters
from qfl.protocol.chunks import merkle_root
from qfl.protocol.lanes import lane_dtype, lane_limits
from qfl.protocol.rule import aggregate_shard, apply_global
from qfl.protocol.types import Checkpoint, LaneFormat, ModelShape, RoundNumber, ShardIndex
from scripts.deploy import NOBODY
from tests.contracts.dispute_testnet import Update, Vector, order_at
from tests.contracts.world import as_tuple, word

SEED = int(os.environ.get("QFL_FUZZ_SEED", "20"))
SHAPES = [ModelShape(1, 0), ModelShape(3, 2), ModelShape(8, 9), ModelShape(0, 12), ModelShape(20, 14)]
INT32 = np.iinfo(np.int32)
GAS = 10**9

CHECKPOINT = "(uint64,uint16,uint8,uint16,bytes32,uint256,bytes32,bytes32,bytes32)"
OPENING = "(bytes32,bytes32,bytes32[])"
PARAMETERS = (
    "(uint32,uint32,uint32,uint32,uint32,uint32,uint16,uint8,uint8,uint8,uint8,uint16,uint64,uint64,uint64,uint64)"
)
AGGREGATES = [
    *(PARAMETERS, "(uint32,bytes32,bytes32)[]", f"{OPENING}[][]"),
    f"({CHECKPOINT},uint32,{OPENING},bytes)[]",
]
MODELS = [
    *(PARAMETERS, "bytes32", f"{CHECKPOINT}[]", f"{OPENING}[][]", f"{OPENING}[]"),
    f"(bytes32,uint32,{OPENING})[]",
]


@dataclass(frozen=True)
class Bench:
    """A harness for models of one shape, in one mode."""

    shape: ModelShape
    is_private: bool
    harness: Any

    def judge(self, name: str, types: list[str], *arguments: object) -> list[bytes]:
        """What each trial reverted with; empty for a proven fault."""
        data = function_signature_to_4byte_selector(f"{name}({','.join(types)})") + encode(types, arguments)
        call = {"to": self.harness.address, "data": "0x" + data.hex(), "gas": GAS}
        (outcomes,) = decode(["bytes[]"], bytes(web3.eth.call(call)))
        return list(outcomes)


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


def chunk_openings(vector):
    return [vector.opening_of_chunk(k) for k in range(len(vector.chunks))]


def reason(error, coordinate, value):
    return function_signature_to_4byte_selector(f"{error}(uint32,int32)") + encode(
        ["uint32", "int32"], [coordinate, value]
    )


def verdicts(error, right):
    """What to expect when the right vector is accused at every lane, and then one falsified at every lane."""
    return [reason(error, i, int(value)) for i, value in enumerate(right.lanes)] + [b""] * len(right.lanes)


def test_500_random_rounds_are_judged_by_the_rule(benches):
    rng = np.random.default_rng([SEED, 1])
    for case in range(500):
        bench = benches[case % len(benches)]
        bits, count, trim_bps = int(rng.choice([4, 8, 16])), int(rng.integers(1, 33)), int(rng.integers(5000))
        trim_bps = 5000 if case % 3 == 0 else trim_bps
        parameters = load_parameters(laneBits=bits, trimBps=trim_bps).rounds
        updates = [
            Update(100 + i, Vector(random_lanes(rng, bench.shape.total, bits), bits, rng.bytes(32 * bench.is_private)))
            for i in range(count)
        ]
        right = Vector(aggregate_shard(np.stack([u.vector.lanes for u in updates]), trim_bps), 32)
        checkpoint = Checkpoint(
            *(RoundNumber(1), ShardIndex(0), 0, count, word("base"), 2**count - 1),
            *(merkle_root([u.leaf for u in updates]), right.root, word("content")),
        )
        accused = [right] * bench.shape.total
        accused += [falsified(rng, right, coordinate) for coordinate in range(bench.shape.total)]
        trials = [
            (as_tuple(replace(checkpoint, aggregate_root=vector.root)), i, vector.opening(i), order_at(i, updates))
            for i, vector in zip([*range(bench.shape.total)] * 2, accused, strict=True)
        ]
        openings = list(zip(*(chunk_openings(u.vector) for u in updates), strict=True))
        outcomes = bench.judge(
            "disputeAggregates",
            AGGREGATES,
            *(tuple(parameters.values()), [u.struct for u in updates], openings, trials),
        )
        assert outcomes == verdicts("AggregateIsRight", right), f"seed {SEED}, case {case}"


def test_100_random_models_are_judged_by_the_rule(benches):
    rng = np.random.default_rng([SEED, 2])
    for case in range(100):
        bench = benches[case % len(benches)]
        exponents = {f"{block}Exponent": int(rng.integers(29)) for block in ("quantum", "classical")}
        parameters = load_parameters(**exponents).rounds
        counts = [int(count) for count in rng.integers(1, 257, rng.integers(1, 5))]
        base, *means = (Vector(random_lanes(rng, bench.shape.total, 32), 32) for _ in range(1 + len(counts)))
        lane_format = LaneFormat(16, *exponents.values())
        right = Vector(apply_global(base.lanes, [m.lanes for m in means], counts, bench.shape, lane_format), 32)
        shards = sorted(rng.choice(50, len(counts), replace=False).tolist())
        checkpoints = [
            (1, shard, 0, count, base.root, 1, word("updates"), mean.root, word("content"))
            for shard, count, mean in zip(shards, counts, means, strict=True)
        ]
        accused = [right] * bench.shape.total
        accused += [falsified(rng, right, coordinate) for coordinate in range(bench.shape.total)]
        trials = [
            (vector.root, i, vector.opening(i))
            for i, vector in zip([*range(bench.shape.total)] * 2, accused, strict=True)
        ]
        aggregates = list(zip(*(chunk_openings(mean) for mean in means), strict=True))
        outcomes = bench.judge(
            "disputeModels",
            MODELS,
            *(tuple(parameters.values()), base.root, checkpoints, aggregates, chunk_openings(base), trials),
        )
        assert outcomes == verdicts("ModelIsRight", right), f"seed {SEED}, case {case}"
