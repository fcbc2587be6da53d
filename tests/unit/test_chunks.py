"""Merkle trees over chunks: only leaf i can pass for leaf i."""

import json
from pathlib import Path

import pytest
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from qfl.errors import InvalidInput
from qfl.protocol.chunks import leaf_salt, merkle_path, merkle_root, salted, split_leaves, update_leaf, verify_path

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "chunks.json").read_text())

trees = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)


def test_root_of_three_leaves_is_the_one_worked_out_by_hand():
    a, b, c = b"a" * 32, b"b" * 32, b"c" * 32
    leaf_a, leaf_b, leaf_c = (keccak(b"\x00" + bytes([0, 0, 0, i]) + data) for i, data in enumerate((a, b, c)))
    left, right = keccak(b"\x01" + leaf_a + leaf_b), keccak(b"\x01" + leaf_c + bytes(32))
    assert merkle_root([a, b, c]) == keccak(b"\x01" + left + right)
    assert merkle_path([a, b, c], 2) == [bytes(32), left]


def test_single_leaf_is_its_own_root_and_has_no_path():
    assert merkle_root([b"x"]) == keccak(b"\x00\x00\x00\x00\x00x")
    assert merkle_path([b"x"], 0) == []


@pytest.mark.parametrize("tree", VECTORS["lanes"] + VECTORS["updates"])
def test_vectors(tree):
    leaves = [bytes.fromhex(leaf) for leaf in tree["leaves"]]
    assert merkle_root(leaves).hex() == tree["root"]
    for index, path in tree["paths"].items():
        assert [node.hex() for node in merkle_path(leaves, int(index))] == path


@given(trees, st.data())
def test_every_leaf_verifies_at_its_index_and_at_no_other(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    root, path = merkle_root(leaves), merkle_path(leaves, index)
    accepted = [i for i in range(-1, 2 * len(leaves) + 1) if verify_path(root, len(leaves), i, leaves[index], path)]
    assert accepted == [index]


@given(trees, st.data())
def test_altered_leaves_paths_and_roots_are_refused(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    root, path, count = merkle_root(leaves), merkle_path(leaves, index), len(leaves)
    leaf = leaves[index]
    assert not verify_path(root, count, index, bytes([leaf[0] ^ 1]) + leaf[1:], path)
    assert not verify_path(bytes([root[0] ^ 1]) + root[1:], count, index, leaf, path)
    assert not verify_path(root, count, index, leaf, [*path, bytes(32)])
    if path:
        assert not verify_path(root, count, index, leaf, path[:-1])


def test_inner_node_cannot_pass_for_a_leaf_of_a_smaller_tree():
    leaves = [bytes([i]) * 32 for i in range(4)]
    root, path = merkle_root(leaves), merkle_path(leaves, 0)
    left = keccak(b"\x01" + b"".join(keccak(b"\x00\x00\x00\x00" + bytes([i]) + leaves[i]) for i in range(2)))
    assert not verify_path(root, 2, 0, left, path[1:])


def test_padding_is_not_a_leaf():
    leaves = [bytes([i]) * 32 for i in range(3)]
    path = [keccak(b"\x00\x00\x00\x00\x02" + leaves[2]), merkle_path(leaves, 2)[1]]
    assert not verify_path(merkle_root(leaves), 3, 3, bytes(32), path)


def test_split_pads_the_last_chunk_with_zeros():
    assert split_leaves(b"\xff" * 33) == [b"\xff" * 32, b"\xff" + bytes(31)]
    assert split_leaves(b"\xff" * 32) == [b"\xff" * 32]


@pytest.mark.parametrize("refused", [lambda: split_leaves(b""), lambda: merkle_root([])])
def test_empty_trees_are_refused(refused):
    with pytest.raises(InvalidInput):
        refused()


def test_update_leaf_has_client_then_root_then_digest_then_how_much_it_counts():
    """The weight, and two clip factors with 16 fraction bits, are one."""
    ones = b"\x00\x01" + b"\x00\x01\x00\x00" * 2
    assert update_leaf(258, b"r" * 32, b"d" * 32) == b"\x00\x00\x01\x02" + b"r" * 32 + b"d" * 32 + ones


def test_salted_leaf_is_chunk_and_salt_as_the_disputes_contract_hashes_them():
    """keccak(0x00 | uint32 index | data32 | salt32), with salt = keccak(seed32 | uint32 index)."""
    seed, chunks = b"s" * 32, [b"a" * 32, b"b" * 32]
    leaves = [keccak(b"\x00" + i.to_bytes(4) + chunk + keccak(seed + i.to_bytes(4))) for i, chunk in enumerate(chunks)]
    assert merkle_root(salted(chunks, seed)) == keccak(b"\x01" + leaves[0] + leaves[1])


def test_salts_hide_a_leaf_that_could_be_guessed():
    """Lanes are small numbers: without salts, whoever sees the root tries them out."""
    zeros = [bytes(32)] * 2
    assert merkle_root(salted(zeros, b"s" * 32)) != merkle_root(salted(zeros, b"t" * 32)) != merkle_root(zeros)
    assert leaf_salt(b"s" * 32, 0) != leaf_salt(b"s" * 32, 1)
