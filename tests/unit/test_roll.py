"""Who is bonded at a block, counted from events: the same from any node, in any order of asking."""

import pytest

from qfl.chain.contracts.staking import Anchor, Bonding, Role
from qfl.chain.roll import Roll
from qfl.protocol.chunks import client_leaf, merkle_root
from qfl.protocol.types import LmsPublicKey, ParticipantId


def key(letter: str) -> LmsPublicKey:
    return LmsPublicKey(letter.encode() * 16, letter.encode() * 24, 5)


class StubStaking:
    """Ada (1) and Vera (2) join in blocks 5 and 6, Ben (3) in 8; Ada rotates in 9; Ben asks to leave in 11.

    Ada bonds with a hash chain, and names another in block 10."""

    joined = ((5, 1, Role.CLIENT, "a"), (6, 2, Role.VALIDATOR, "v"), (8, 3, Role.CLIENT, "b"))
    rotated = ((9, 1, "A"),)
    named = ((5, 1, b"a" * 28, 1), (10, 1, b"A" * 28, 3))
    left = ((11, 3),)

    def bondings(self, first, last):
        return [Bonding(ParticipantId(i), r, "0x", 1, key(k), b) for b, i, r, k in self.joined if first <= b <= last]

    def rotations(self, first, last):
        return [(ParticipantId(i), key(k), b) for b, i, k in self.rotated if first <= b <= last]

    def anchors(self, first, last):
        return [Anchor(ParticipantId(i), a, f, b, 0) for b, i, a, f in self.named if first <= b <= last]

    def exits(self, first, last):
        return [ParticipantId(i) for b, i in self.left if first <= b <= last]


EXPECTED = {
    4: ([], {}),
    5: ([1], {1: "a"}),
    8: ([1, 3], {1: "a", 2: "v", 3: "b"}),
    9: ([1, 3], {1: "A", 2: "v", 3: "b"}),
    12: ([1], {1: "A", 2: "v", 3: "b"}),
}


@pytest.mark.parametrize("order", [[4, 5, 8, 9, 12], [12, 9, 8, 5, 4], [9, 12, 5, 8, 4, 12]])
def test_a_census_is_that_of_its_block_whatever_was_asked_before(order):
    """Counting on from a later block would show a keeper of round 3 the keys of round 5, and split the committee."""
    roll = Roll(StubStaking(), 1, lambda block: bytes([block]))
    for block in order:
        clients, keys = EXPECTED[block]
        census = roll.at(block)
        assert list(census.clients) == clients
        assert census.keys == {participant: key(letter) for participant, letter in keys.items()}


@pytest.mark.parametrize(("block", "chain"), [(9, (b"a" * 28, 1)), (10, (b"A" * 28, 3))])
def test_the_root_is_over_active_clients_ascending_with_keys_and_hash_chains_of_the_time(block, chain):
    census = Roll(StubStaking(), 1, lambda block: bytes([block])).at(block)
    none = bytes(28), 0
    assert census.clients_root == merkle_root([client_leaf(1, key("A"), *chain), client_leaf(3, key("b"), *none)])
    assert Roll(StubStaking(), 1, lambda block: bytes([block])).at(4).clients_root == bytes(32)


def test_more_blocks_than_are_remembered_are_counted_again():
    roll = Roll(StubStaking(), 1, lambda block: bytes([block]))
    for block in range(5, 30):
        roll.at(block)
    assert list(roll.at(5).clients) == [1]


def test_what_was_counted_on_another_branch_is_counted_again():
    staking, branch = StubStaking(), b"a"
    roll = Roll(staking, 1, lambda block: branch)
    before = roll.at(9)
    staking.exits = lambda *span: [1]
    assert roll.at(9) == before
    branch = b"b"
    assert 1 not in roll.at(9).clients
