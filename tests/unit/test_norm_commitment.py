"""The commitment of private mode binds to each lane, and hides what it commits to."""

from __future__ import annotations

import numpy as np
import pytest

from qfl.crypto.norm.poseidon import SCALAR_FIELD, poseidon
from qfl.crypto.norm.statement import LANES_PER_WORD, commit_lanes
from qfl.errors import InvalidInput

SALT = 12345
LANES = np.array([0, 1, -1, 127, -128, 32767, -32768])


def changed(index: int, by: int = 1, length: int = 64) -> np.ndarray:
    lanes = np.zeros(length, dtype=np.int64)
    lanes[index] += by
    return lanes


def test_commitment_is_the_documented_chain():
    """64 lanes are 5 words in one block of 7: worked out here digit by digit, as anybody else would read the format."""
    padded = [*LANES, *[0] * (64 - len(LANES))]
    words = [
        sum((int(lane) + 2**15) * 2 ** (16 * i) for i, lane in enumerate(padded[start : start + 15]))
        for start in range(0, 64, 15)
    ]
    assert commit_lanes(LANES, 64, SALT) == poseidon([poseidon([64, SALT]), *words, 0, 0])


def test_each_lane_counts():
    """A lane that is packed over another, or not at all, could be chosen freely after the commitment."""
    commitments = {commit_lanes(changed(index), 256, SALT) for index in range(64)}
    assert len(commitments) == 64


def test_lanes_in_later_blocks_count():
    """One block holds 105 lanes: the chain must go on."""
    assert len({commit_lanes(changed(index, length=256), 256, SALT) for index in (0, 104, 105, 210, 255)}) == 5


def test_padding_is_zeros():
    """The circuit pads with zeros: a client with 7 coordinates commits as one whose other 57 are zero."""
    assert commit_lanes(LANES, 64, SALT) == commit_lanes(np.pad(LANES, (0, 57)), 64, SALT)


def test_capacity_and_salt_count():
    assert len({commit_lanes(LANES, capacity, salt) for capacity in (64, 256) for salt in (1, 2)}) == 4


@pytest.mark.parametrize("index", range(LANES_PER_WORD))
def test_lane_cannot_cancel_the_salt(index):
    """In a sponge that adds data to the state that holds the salt, these two states would be the same."""
    salt_of_the_other = SALT + 2 ** (16 * index)
    assert commit_lanes(changed(index), 64, SALT) != commit_lanes(changed(0, by=0), 64, salt_of_the_other)


@pytest.mark.parametrize(
    ("lanes", "salt"),
    [
        (np.zeros(65, dtype=np.int16), SALT),
        (np.zeros((8, 8), dtype=np.int16), SALT),
        (np.array([32768]), SALT),
        (np.array([-32769]), SALT),
        (LANES, SCALAR_FIELD),
        (LANES, -1),
    ],
)
def test_what_the_circuit_cannot_open_is_refused(lanes, salt):
    """Wrapped into 16 bits, 32,768 would be committed to as -32,768."""
    with pytest.raises(InvalidInput):
        commit_lanes(lanes, 64, salt)


def test_refusal_keeps_the_salt_secret():
    with pytest.raises(InvalidInput) as refused:
        commit_lanes(LANES, 64, SCALAR_FIELD + 77)
    assert str(SCALAR_FIELD + 77) not in str(refused.value)
