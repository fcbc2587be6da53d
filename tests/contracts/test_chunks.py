"""`Chunks`: the same trees as `qfl.protocol.chunks`.

Chunks.verify
├── given an index that is no leaf, a path of another length, another leaf, path or root: false
└── given a leaf and its path: true
"""

import json
import random
from pathlib import Path

import pytest

from qfl.protocol.chunks import merkle_path, merkle_root, part_path, salted, verify_path

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "chunks.json").read_text())


@pytest.fixture(scope="module")
def harness(ChunksHarness, accounts):
    return accounts[0].deploy(ChunksHarness)


@pytest.mark.parametrize("tree", VECTORS["lanes"], ids=lambda tree: f"{len(tree['leaves'])} leaves")
def test_lane_vectors(harness, tree):
    leaves, root = tree["leaves"], tree["root"]
    assert harness.unsaltedRootOf(leaves).hex().removeprefix("0x") == root
    for index, path in tree["paths"].items():
        assert harness.verifyLanes(root, len(leaves), int(index), leaves[int(index)], path)


@pytest.mark.parametrize("tree", VECTORS["updates"], ids=lambda tree: f"{len(tree['leaves'])} leaves")
def test_update_vectors(harness, tree):
    leaves, root = tree["leaves"], tree["root"]
    for index, path in tree["paths"].items():
        assert harness.verifyBytes(root, len(leaves), int(index), leaves[int(index)], path)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_verify_refuses_whatever_python_refuses(harness, count):
    rng = random.Random(count)
    leaves = [rng.randbytes(32) for _ in range(count)]
    root = merkle_root(leaves)
    index = rng.randrange(count)
    leaf, path = leaves[index], merkle_path(leaves, index)
    candidates = [
        (root, count, index, leaf, path),
        *((root, count, i, leaf, path) for i in range(count + 2) if i != index),
        (root, count, index + 2**32, leaf, path),
        (root, 2 * count + 1, index, leaf, path),
        (root, count, index, leaf, [*path, bytes(32)]),
        (root, count, index, leaf, [bytes(32)] * 257),
        (root, count, index, leaf[:-1] + bytes([leaf[-1] ^ 1]), path),
        (bytes(32), count, index, leaf, path),
        (root, 0, 0, leaf, path),
    ]
    if path:
        candidates += [
            (root, count, index, leaf, path[:-1]),
            (root, count, index, leaf, [*path[:-1], rng.randbytes(32)]),
            (root, (count + 1) // 2, index // 2, leaf, path[1:]),
        ]
    for candidate in candidates:
        expected = candidate == candidates[0]
        assert harness.verifyLanes(*candidate) == harness.verifyBytes(*candidate) == expected
        assert verify_path(*candidate) == expected


@pytest.mark.parametrize("count", [*range(1, 18), 31, 32, 33, 64, 100, 129])
def test_roots_over_whole_vectors_are_those_of_python(harness, count):
    rng = random.Random(count)
    leaves, seed = [rng.randbytes(32) for _ in range(count)], rng.randbytes(32)
    assert bytes(harness.unsaltedRootOf(leaves)) == merkle_root(leaves)
    for salting in (seed, bytes(32)):
        assert bytes(harness.saltedRootOf(leaves, salting)) == merkle_root(salted(leaves, salting))


@pytest.mark.parametrize(
    ("count", "height"), [(1, 0), (1, 3), (5, 3), (8, 3), (9, 3), (13, 1), (16, 2), (17, 3), (40, 4)]
)
def test_parts_are_those_of_python(harness, count, height):
    """Each part with its path, and nothing else: not another part, another length, or another leaf."""
    rng = random.Random(count)
    leaves = [rng.randbytes(32) for _ in range(count)]
    root, width = merkle_root(leaves), 2**height
    parts = [leaves[first : first + width] for first in range(0, count, width)]
    for index, part in enumerate(parts):
        path = part_path(leaves, height, index)
        assert harness.verifyPart(root, count, height, index, part, path)
        assert not harness.verifyPart(root, count, height, index, part, [*path, bytes(32)])
        assert not harness.verifyPart(root, count, height, index, [*part[:-1], bytes(32)], path)
        assert not harness.verifyPart(root, count, height, index + len(parts), part, path)
        if len(parts) > 1:
            assert not harness.verifyPart(root, count, height, index, part, path[:-1])
            assert not harness.verifyPart(root, count, height, (index + 1) % len(parts), part, path)
        if len(part) < width and len(parts) > 1:
            assert not harness.verifyPart(root, count, height, index, [*part, bytes(32)], path)


def test_leaf_data_of_another_length_is_another_leaf(harness):
    data = b"\x01" * 68
    root = merkle_root([data])
    assert harness.verifyBytes(root, 1, 0, data, [])
    assert not harness.verifyBytes(root, 1, 0, data[:-1], [])
