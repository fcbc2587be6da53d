"""A shard's result: every honest seat comes to the same one, and to another as soon as anything differs."""

import random
from dataclasses import fields, replace

import numpy as np
import pytest
from honest import TERMS, make_reveal, make_update

from qfl.node.updates import verify_update
from qfl.protocol.chunks import merkle_path, merkle_root, update_leaf, verify_path
from qfl.protocol.content import ContentKind, content_digest, decode, encode, lanes_root
from qfl.protocol.digests import reveals_hash
from qfl.protocol.recompute import expected_checkpoint, update_leaves
from qfl.protocol.rule import aggregate_shard

TURN = 1
CLIENTS = {0: 9, 2: 4, 3: 8, 200: 1}
"""Reveal index and client: reveal 1 was not included."""
REVEALS = [make_reveal(client, index, make_update(client)) for index, client in enumerate((9, 7, 4, 8))]
"""What was revealed, included or not."""


def verified(index, client, **changes):
    content = make_update(client, **changes)
    return verify_update(make_reveal(client, index, content), encode(content), TERMS)


@pytest.fixture(scope="module")
def updates():
    return [verified(index, client) for index, client in CLIENTS.items()]


@pytest.fixture(scope="module")
def result(updates):
    return expected_checkpoint(TERMS, TURN, updates, REVEALS)


def differing(result, other):
    """Names of the checkpoint's fields in which two results differ."""
    return {
        field.name
        for field in fields(result.checkpoint)
        if getattr(result.checkpoint, field.name) != getattr(other.checkpoint, field.name)
    }


def test_checkpoint_says_what_was_aggregated(result):
    checkpoint = result.checkpoint
    assert (checkpoint.round, checkpoint.shard, checkpoint.turn) == (TERMS.round, TERMS.shard, TURN)
    assert checkpoint.base_root == TERMS.base_root
    assert checkpoint.count == 4
    assert checkpoint.included == 1 << 0 | 1 << 2 | 1 << 3 | 1 << 200


def test_content_is_the_aggregate_that_the_checkpoint_names(result, updates):
    content = decode(result.content)
    assert content.kind is ContentKind.AGGREGATE
    assert (content.round, content.shard, content.count) == (TERMS.round, TERMS.shard, 4)
    assert content.base_root == TERMS.base_root
    assert content.lanes.tolist() == aggregate_shard(np.stack([u.lanes for u in updates]), 0).tolist()
    assert result.checkpoint.content_digest == content_digest(result.content)
    assert result.checkpoint.aggregate_root == lanes_root(content)


def test_updates_root_proves_each_included_update_at_its_place(result, updates):
    """A client's reward and a dispute both hang on these paths: position is rank among the included."""
    leaves = update_leaves(updates)
    assert result.checkpoint.updates_root == merkle_root(leaves)
    for position, update in enumerate(updates):
        leaf = update_leaf(update.client, update.update_root, update.content_digest)
        assert verify_path(merkle_root(leaves), 4, position, leaf, merkle_path(leaves, position))


@pytest.mark.parametrize("seed", range(5))
def test_order_in_which_a_seat_got_the_updates_does_not_matter(result, updates, seed):
    """A seat that fetched one update late would otherwise refuse an honest proposal."""
    shuffled = random.Random(seed).sample(updates, len(updates))
    assert expected_checkpoint(TERMS, TURN, shuffled, REVEALS) == result


def test_only_the_turn_tells_proposers_apart(result, updates):
    """Bytes on IPFS and all roots are the same whoever proposes, so no attester stores an aggregate twice."""
    other = expected_checkpoint(TERMS, 0, updates, REVEALS)
    assert differing(result, other) == {"turn"}
    assert other.content == result.content


def test_one_changed_lane_changes_every_root(result, updates):
    lanes = updates[1].lanes.copy()
    lanes[17] += 1
    changed = [updates[0], verified(2, 4, lanes=lanes), *updates[2:]]
    assert differing(result, expected_checkpoint(TERMS, TURN, changed, REVEALS)) == {
        "updates_root",
        "aggregate_root",
        "content_digest",
    }


def test_lanes_of_two_clients_exchanged_leave_the_mean_but_not_the_list(result, updates):
    """The aggregate alone does not say who sent what: the list of updates does."""
    first, second = verified(0, 9, lanes=updates[1].lanes), verified(2, 4, lanes=updates[0].lanes)
    other = expected_checkpoint(TERMS, TURN, [first, second, *updates[2:]], REVEALS)
    assert differing(result, other) == {"updates_root"}


def test_update_left_out_changes_count_and_bits(result, updates):
    other = expected_checkpoint(TERMS, TURN, updates[:-1], REVEALS)
    assert other.checkpoint.count == 3
    assert result.checkpoint.included - other.checkpoint.included == 1 << 200


def test_all_reveals_and_their_order_are_named_also_those_left_out(result, updates):
    for reveals in (REVEALS[:-1], REVEALS[::-1], [REVEALS[0], *REVEALS[2:]]):
        assert differing(result, expected_checkpoint(TERMS, TURN, updates, reveals)) == {"reveals_hash"}
    assert result.checkpoint.reveals_hash == reveals_hash(REVEALS)


def test_trim_is_that_of_the_round(updates):
    trimmed = decode(expected_checkpoint(replace(TERMS, trim_bps=2500), TURN, updates, REVEALS).content)
    assert trimmed.lanes.tolist() == aggregate_shard(np.stack([u.lanes for u in updates]), 2500).tolist()
