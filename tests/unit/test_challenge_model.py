"""Faults of published models: the proof opens base, aggregates and model where they differ, or all of them."""

from dataclasses import replace

import numpy as np
import pytest
from web3 import HTTPProvider, Web3

from qfl.chain.contracts.disputes import Disputes, Opening
from qfl.challenger.evidence import FalseModel, FalseModelContent
from qfl.challenger.model import prove_false_model
from qfl.challenger.opening import chunks_of
from qfl.protocol.chunks import merkle_root, verify_path
from qfl.protocol.content import Content, ContentKind, content_digest, encode, lanes_root
from qfl.protocol.lanes import unpack_lanes
from qfl.protocol.recompute import expected_model, model_content
from qfl.protocol.types import Checkpoint, LaneFormat, ModelShape, RoundNumber, ShardIndex

SHAPE = ModelShape(quantum=12, classical=9)
FORMAT = LaneFormat(16, 13, 9)
ROUND = RoundNumber(4)
RNG = np.random.default_rng(3)
BASE = model_content(RoundNumber(3), RNG.integers(-(2**31), 2**31, 21).astype(np.int32), SHAPE)


def make_aggregate(shard):
    lanes = RNG.integers(-9_000, 9_000, 21).astype(np.int32)
    return Content(ContentKind.AGGREGATE, 32, ROUND, shard, 1 + shard, 0, SHAPE, lanes_root(BASE), lanes)


AGGREGATES = [make_aggregate(0), make_aggregate(1)]
CHECKPOINTS = [
    Checkpoint(
        ROUND,
        ShardIndex(content.shard),
        *(0, content.count, lanes_root(BASE), 1, bytes(32)),
        *(lanes_root(content), content_digest(encode(content))),
    )
    for content in AGGREGATES
]
EXPECTED = expected_model(ROUND, BASE, CHECKPOINTS, AGGREGATES, FORMAT)
RIGHT = EXPECTED.model


def altered(lane, by):
    lanes = RIGHT.lanes.copy()
    lanes[lane] += by
    return replace(RIGHT, lanes=lanes)


@pytest.mark.parametrize("lane", [0, 7, 8, 11, 12, 20])
def test_one_altered_coordinate_is_proven_by_the_chunks_that_have_it(lane):
    """Angles and weights, first and last of a chunk: the contract recomputes from these openings alone."""
    false = altered(lane, -3)
    proof = prove_false_model(EXPECTED, chunks_of(false.lanes, 32))
    assert isinstance(proof, FalseModel)
    assert (proof.round, proof.coordinate, proof.claimed - proof.expected) == (4, lane, -3)
    vectors = [(proof.base, BASE), (proof.model, false), *zip(proof.aggregates, AGGREGATES, strict=True)]
    for opening, content in vectors:
        assert verify_path(lanes_root(content), 3, lane // 8, opening.data, opening.path)
        assert unpack_lanes(opening.data, 32, 8)[lane % 8] == content.lanes[lane]


@pytest.mark.parametrize(("shards", "depth"), [(1, 12), (90, 12), (4096, 12), (4096, 0)])
def test_a_proof_too_large_for_a_transaction_is_split_into_some_that_fit(monkeypatch, shards, depth):
    """Every checkpoint is in one of them, in order."""
    opening = Opening(bytes(32), bytes(32), (bytes(32),) * depth)
    checkpoints = [replace(CHECKPOINTS[0], shard=ShardIndex(shard)) for shard in range(shards)]
    proof = FalseModel(ROUND, 5, checkpoints, [opening] * shards, opening, opening, 0, 1)
    monkeypatch.setattr("qfl.chain.contracts.base.chain_id_of", lambda _web3: 1)
    disputes = Disputes(Web3(HTTPProvider("http://127.0.0.1:1")), "0x" + "11" * 20)
    calls = [*proof.parts(disputes), proof.call(disputes)]
    assert all(len(call.data) <= 100 * 1024 for call in calls)
    brought = [disputes.arguments_of(call.data) for call in calls]
    assert [name for name, _ in brought] == ["sumAggregates"] * (len(calls) - 1) + ["disputeModel"]
    assert [said["shard"] for _, given in brought for said in given["checkpoints"]] == list(range(shards))
    assert all(len(given["checkpoints"]) == len(given["aggregates"]) for _, given in brought)


def test_right_lanes_are_disputed_by_their_content():
    """A digest of something else: there is no coordinate to point at."""
    proof = prove_false_model(EXPECTED, chunks_of(RIGHT.lanes, 32))
    assert isinstance(proof, FalseModelContent)
    assert merkle_root(proof.chunks) == lanes_root(RIGHT)


def test_something_behind_the_last_coordinate_is_disputed_by_the_content():
    chunks = chunks_of(RIGHT.lanes, 32)
    chunks[-1] = chunks[-1][:-1] + b"\1"
    assert prove_false_model(EXPECTED, chunks) == FalseModelContent(ROUND, chunks)
