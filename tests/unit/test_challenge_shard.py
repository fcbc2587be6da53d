"""Faults of checkpoints: honest ones have none; each false one has its own, with a proof that opens what it says.

The proofs are checked here by Merkle paths and plain integers, as the contract does.
"""

from dataclasses import replace

import numpy as np
import pytest
from honest import TERMS, make_reveal, make_update
from hypothesis import given, settings
from hypothesis import strategies as st
from web3 import HTTPProvider, Web3

from qfl.chain.contracts.disputes import Disputes, Opening
from qfl.challenger.evidence import FalseAggregate, FalseAggregateContent
from qfl.challenger.opening import open_lanes, open_shown
from qfl.challenger.shard import find_false_updates, find_over_norm, is_right, prove_false_aggregate
from qfl.errors import UpdateRejected
from qfl.protocol.chunks import leaf_salt, merkle_path, merkle_root, salted, split_leaves, update_leaf, verify_path
from qfl.protocol.content import HEADER_BYTES, content_digest, decode, encode, lanes_root
from qfl.protocol.lanes import lane_dtype, lane_limits, pack_lanes, unpack_lanes
from qfl.protocol.recompute import ShardResult, expected_checkpoint, included_in
from qfl.protocol.types import LaneFormat

CLIENTS = (9, 4, 8)


class Shard:
    """A shard in which `CLIENTS` revealed what the contents say, and its honest result."""

    def __init__(self, contents=None, spec=TERMS, seeds=()):
        self.spec = spec
        self.contents = contents or [make_update(client) for client in CLIENTS]
        self.seeds = seeds or [b""] * len(self.contents)
        pairs = list(zip(self.contents, self.seeds, strict=True))
        self.reveals = [make_reveal(content.author, index, content) for index, content in enumerate(self.contents)]
        self.reveals = [
            replace(reveal, update_root=root_of(content, seed))
            for reveal, (content, seed) in zip(self.reveals, pairs, strict=True)
        ]
        self.opened = [
            open_lanes(reveal, encode(content), seed, spec)
            for reveal, (content, seed) in zip(self.reveals, pairs, strict=True)
        ]
        self.result = expected_checkpoint(spec, 0, self.opened)
        self.checkpoint = self.result.checkpoint

    def lie(self, lane, by):
        """The checkpoint and content of an aggregate with one lane altered."""
        honest = decode(self.result.content)
        lanes = honest.lanes.copy()
        lanes[lane] += by
        content = replace(honest, lanes=lanes)
        data = encode(content)
        root, digest = lanes_root(content), content_digest(data)
        return ShardResult(replace(self.checkpoint, aggregate_root=root, content_digest=digest), data)

    def prove(self, checkpoint, attested):
        """By the chunks under the checkpoint's root, or content that has them."""
        chunks = split_leaves(attested[HEADER_BYTES:]) if isinstance(attested, bytes) else attested
        said = {"opened": self.opened, "result": self.result, "attested": chunks}
        return prove_false_aggregate(checkpoint, self.spec, self.reveals, **said)


def root_of(content, seed):
    chunks = split_leaves(pack_lanes(content.lanes, content.lane_bits))
    return merkle_root(salted(chunks, seed) if seed else chunks)


# --- the list of updates ---


def test_an_honest_checkpoint_has_no_fault():
    shard = Shard()
    assert find_false_updates(shard.checkpoint, shard.reveals) is None
    assert find_over_norm(shard.checkpoint, TERMS, shard.reveals, shard.opened) is None
    assert is_right(shard.checkpoint, shard.result)


def test_leaving_out_an_update_is_no_fault_of_the_list():
    """Content that could not be fetched is left out by honest committees."""
    shard = Shard()
    partial = expected_checkpoint(TERMS, 0, [shard.opened[0], shard.opened[2]]).checkpoint
    assert [reveal.client for reveal in included_in(partial, shard.reveals)] == [9, 8]
    assert find_false_updates(partial, shard.reveals) is None


def test_an_update_that_nobody_revealed_is_named_by_its_number_alone():
    shard = Shard()
    false = replace(shard.checkpoint, included=0b1111, count=4)
    proof = find_false_updates(false, shard.reveals)
    assert proof.updates == ()
    assert str(proof) == "round 7, checkpoint of shard 2: it includes an update that nobody revealed"


@pytest.mark.parametrize("tampered", [{"client": 10}, {"update_root": b"x" * 32}, {"content_digest": b"x" * 32}])
def test_a_list_with_an_exchanged_update_is_held_against_what_was_revealed(tampered):
    shard = Shard()
    listed = [*shard.reveals[:2], replace(shard.reveals[2], **tampered)]
    leaves = [update_leaf(entry.client, entry.update_root, entry.content_digest) for entry in listed]
    proof = find_false_updates(replace(shard.checkpoint, updates_root=merkle_root(leaves)), shard.reveals)
    assert proof.updates == shard.reveals


# --- the norm ---


def test_an_update_over_the_norm_is_proven_by_its_whole_vector():
    loud = make_update(4, lanes=np.full(41, 30_000, np.int16))
    shard = Shard([make_update(9), loud, make_update(8)])
    proof = find_over_norm(shard.checkpoint, TERMS, shard.reveals, shard.opened)
    assert (proof.position, proof.norm) == (1, 41 * 30_000**2)
    assert merkle_root(proof.chunks) == shard.reveals[1].update_root
    assert "the update of client 4 has squared norm 36900000000, over 2147483648" in str(proof)


def test_the_position_of_an_update_is_among_the_included_ones_not_the_revealed_ones():
    """Its Merkle path would lead elsewhere, and the contract refuse the proof."""
    loud = make_update(8, lanes=np.full(41, 30_000, np.int16))
    shard = Shard([make_update(9), make_update(4), loud])
    included = [shard.reveals[0], shard.reveals[2]]
    checkpoint = expected_checkpoint(TERMS, 0, [shard.opened[0], shard.opened[2]]).checkpoint
    proof = find_over_norm(checkpoint, TERMS, included, [shard.opened[2]])
    leaves = [update_leaf(entry.client, entry.update_root, entry.content_digest) for entry in included]
    path = merkle_path(leaves, proof.position)
    assert verify_path(checkpoint.updates_root, 2, proof.position, leaves[1], path)


def test_an_update_at_the_bound_is_no_fault():
    spec = replace(TERMS, norm_bound=41 * 100**2)
    shard = Shard([make_update(9, lanes=np.full(41, 100, np.int16))], spec)
    assert find_over_norm(shard.checkpoint, spec, shard.reveals, shard.opened) is None


# --- the aggregate ---


@settings(max_examples=40)
@given(
    st.integers(0, 40), st.integers(-5, 5).filter(bool), st.sampled_from([4, 8, 16]), st.integers(1, 6), st.booleans()
)
def test_one_altered_lane_is_proven_by_the_chunks_that_have_it(lane, by, bits, clients, private):
    """The contract recomputes from these openings alone: each must open its root at the same coordinate."""
    spec = replace(TERMS, format=LaneFormat(bits, 13, 9), trim_bps=2_000)
    rng = np.random.default_rng(clients)
    contents = [
        make_update(
            client + 1, lane_bits=bits, lanes=rng.integers(*lane_limits(min(bits, 8)), 41).astype(lane_dtype(bits))
        )
        for client in range(clients)
    ]
    shard = Shard(contents, spec, [bytes([client + 1]) * 32 for client in range(clients)] if private else ())
    lie = shard.lie(lane, by)
    proof = shard.prove(lie.checkpoint, lie.content)
    assert isinstance(proof, FalseAggregate)
    assert (proof.coordinate, proof.claimed - proof.expected) == (lane, by)
    chunk, place = lane * bits // 256, lane % (256 // bits)
    for opening, reveal, content, seed in zip(proof.openings, shard.reveals, contents, shard.seeds, strict=True):
        leaf = opening.data + opening.salt if private else opening.data
        assert opening.salt == (leaf_salt(seed, chunk) if private else bytes(32))
        assert verify_path(reveal.update_root, -(-41 * bits // 256), chunk, leaf, opening.path)
        assert unpack_lanes(opening.data, bits, 256 // bits)[place] == content.lanes[lane]
    assert verify_path(lie.checkpoint.aggregate_root, 6, lane // 8, proof.aggregate.data, proof.aggregate.path)
    assert unpack_lanes(proof.aggregate.data, 32, 8)[lane % 8] == proof.claimed
    by_lane = [int(contents[position].lanes[lane]) for position in proof.order]
    assert (sorted(proof.order), by_lane) == (list(range(clients)), sorted(by_lane))


@pytest.mark.parametrize("clients", [1, 150, 256])
def test_a_proof_too_large_for_a_transaction_is_split_into_some_that_fit(monkeypatch, clients):
    """Of the largest model: every opening is in one of them, in order."""
    opening = Opening(bytes(32), bytes(32), (bytes(32),) * 11)
    aggregate = Opening(bytes(32), bytes(32), (bytes(32),) * 12)
    reveals = [make_reveal(client + 1, client, make_update(client + 1)) for client in range(clients)]
    openings = [replace(opening, data=client.to_bytes(32)) for client in range(clients)]
    order = bytes(range(clients))
    proof = FalseAggregate(Shard().checkpoint, 5, reveals, openings, aggregate, order, 0, 1)
    monkeypatch.setattr("qfl.chain.contracts.base.chain_id_of", lambda _web3: 1)
    disputes = Disputes(Web3(HTTPProvider("http://127.0.0.1:1")), "0x" + "11" * 20)
    calls = [*proof.parts(disputes), proof.call(disputes)]
    assert all(len(call.data) <= 100 * 1024 for call in calls)
    brought = [disputes.arguments_of(call.data) for call in calls]
    assert [name for name, _ in brought] == ["openLanes"] * (len(calls) - 1) + ["disputeAggregate"]
    shown = [int.from_bytes(one["data"]) for _, given in brought for one in given["openings"]]
    assert shown == list(range(clients))
    assert [given["first"] for _, given in brought] == [
        sum(len(given["openings"]) for _, given in brought[:i]) for i in range(len(brought))
    ]


def test_of_several_altered_lanes_the_first_is_proven():
    shard = Shard()
    lie = shard.lie(slice(11, 30), 7)
    assert shard.prove(lie.checkpoint, lie.content).coordinate == 11


def test_right_lanes_under_a_wrong_digest_are_disputed_by_their_content():
    """There is no lane to point at, yet nobody could fetch the aggregate by that digest."""
    shard = Shard()
    false = replace(shard.checkpoint, content_digest=b"x" * 32)
    assert not is_right(false, shard.result)
    proof = shard.prove(false, shard.result.content)
    assert isinstance(proof, FalseAggregateContent)
    assert merkle_root(proof.chunks) == shard.checkpoint.aggregate_root


def test_something_behind_the_last_lane_is_disputed_by_the_content():
    shard = Shard()
    chunks = split_leaves(shard.result.content[HEADER_BYTES:])
    chunks[-1] = chunks[-1][:-1] + b"\1"
    proof = shard.prove(replace(shard.checkpoint, aggregate_root=merkle_root(chunks)), chunks)
    assert isinstance(proof, FalseAggregateContent)
    assert proof.chunks == chunks


def test_an_update_that_was_shown_is_opened_as_its_root_stands_though_something_is_behind_its_lanes():
    """Its committee could have included it, and nobody else could tell what is in the chunk."""
    shard = Shard()
    chunks = split_leaves(pack_lanes(shard.contents[0].lanes, 16))
    chunks[-1] = chunks[-1][:-1] + b"\1"
    shard.reveals[0] = replace(shard.reveals[0], update_root=merkle_root(chunks))
    shard.opened[0] = open_shown(shard.reveals[0], chunks, TERMS)
    assert shard.opened[0].lanes.tolist() == shard.contents[0].lanes.tolist()
    lie = shard.lie(40, 1)
    opening = shard.prove(lie.checkpoint, lie.content).openings[0]
    assert verify_path(merkle_root(chunks), 3, 2, opening.data, opening.path)


# --- opening updates ---


def test_lanes_count_whatever_the_header_says():
    """A committee that includes an update with a wrong header is judged by the lanes, as the contract does."""
    content = make_update(9)
    lying = b"FAKE" + encode(content)[4:]
    assert open_lanes(make_reveal(9, 0, content), lying, b"", TERMS).lanes.tolist() == content.lanes.tolist()


@pytest.mark.parametrize(
    "data",
    [b"", encode(make_update(9))[:-1], encode(make_update(9)) + b"\0", encode(make_update(4))],
    ids=["empty", "truncated", "longer", "another's lanes"],
)
def test_bytes_that_are_not_the_revealed_lanes_open_nothing(data):
    """An aggregate recomputed from other lanes would accuse an honest committee."""
    with pytest.raises(UpdateRejected):
        open_lanes(make_reveal(9, 0, make_update(9)), data, b"", TERMS)
