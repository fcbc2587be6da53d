"""Parts of vectors as they are demanded: as few as fit, each with the path that the contract folds it up."""

import random

import pytest
from honest import make_update

from qfl.chain.contracts.demands import PART_CHUNKS, PART_HEIGHT, Part, Subject
from qfl.errors import InvalidInput, MalformedContent
from qfl.protocol.chunks import merkle_path, merkle_root, part_path, verify_path
from qfl.protocol.content import HEADER_BYTES, encode, encode_briefly, read_lanes
from qfl.protocol.types import RoundNumber, ShardIndex

PART = Part(Subject.UPDATE, RoundNumber(7), ShardIndex(2), 3, 0, 5_000, b"r" * 32)


def test_a_vector_is_demanded_in_as_few_parts_as_fit() -> None:
    parts = PART.siblings()
    assert [(part.index, part.size) for part in parts] == [(0, 2048), (1, 2048), (2, 904)]
    assert len({part.id for part in parts}) == 3
    assert str(parts[1]) == "round 7, included update 3 of shard 2"


@pytest.mark.parametrize(("height", "count"), [(0, 5), (2, 4), (2, 5), (2, 9), (3, 17), (PART_HEIGHT, 3)])
def test_the_path_of_a_part_ends_the_path_of_each_of_its_leaves(height: int, count: int) -> None:
    leaves = [random.Random(i).randbytes(32) for i in range(count)]
    for index in range(count):
        path = merkle_path(leaves, index)
        assert verify_path(merkle_root(leaves), count, index, leaves[index], path)
        assert part_path(leaves, height, index >> height) == path[height:]


def test_there_is_no_part_behind_the_last() -> None:
    with pytest.raises(InvalidInput):
        part_path([bytes(32)] * 5, 2, 2)
    assert PART_CHUNKS == 2**PART_HEIGHT


def test_lanes_are_read_from_either_form_and_from_nothing_else() -> None:
    update = make_update(4)
    for data in (encode(update), encode_briefly(update)):
        assert read_lanes(data, 16, 41).tolist() == update.lanes.tolist()
    for data in (b"", encode(update)[:HEADER_BYTES], encode(update) + b"\0"):
        with pytest.raises(MalformedContent):
            read_lanes(data, 16, 41)
