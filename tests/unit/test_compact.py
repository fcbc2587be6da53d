"""The compact form of lanes: shorter for what clients send, one for each row of lanes, safe to read from anybody."""

from dataclasses import replace

import numpy as np
import pytest
from honest import TERMS, make_update
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from test_content import UPDATE

from qfl.challenger.opening import open_lanes
from qfl.errors import MalformedContent, UpdateRejected
from qfl.protocol.compact import compress, expand
from qfl.protocol.content import HEADER_BYTES, ContentKind, content_digest, decode, encode, encode_briefly, lanes_root
from qfl.protocol.lanes import lane_dtype
from qfl.protocol.types import ModelShape, ParticipantId, Reveal

SPARSE = np.zeros(1_000, np.int8)
SPARSE[::40] = 1


def update_of(lanes):
    return replace(UPDATE, lanes=lanes, lane_bits=8 * lanes.itemsize, shape=ModelShape(lanes.size, 0))


@given(st.sampled_from([4, 8, 16]), st.integers(1, 80), st.integers(1, 2**15), st.data())
def test_expanding_undoes_compressing(bits, count, largest, data):
    limit = min(largest, 2 ** (bits - 1))
    elements = st.integers(-limit, limit - 1)
    lanes = data.draw(hnp.arrays(lane_dtype(bits), count, elements=elements))
    assert expand(compress(lanes), bits, count).tolist() == lanes.tolist()


@given(st.binary(max_size=60), st.sampled_from([4, 8, 16]), st.integers(1, 200))
def test_any_bytes_are_refused_or_are_the_one_form_of_their_lanes(data, bits, count):
    try:
        lanes = expand(data, bits, count)
    except MalformedContent:
        return
    assert compress(lanes) == data


@given(st.binary(min_size=1, max_size=40), st.integers(0, 60))
def test_a_damaged_form_says_something_else_or_nothing(damage, offset):
    good = compress(SPARSE)
    offset = min(offset, len(good) - 1)
    bad = good[:offset] + bytes(a ^ b for a, b in zip(good[offset:], damage, strict=False))
    bad += good[len(bad) :]
    try:
        lanes = expand(bad, 8, SPARSE.size)
    except MalformedContent:
        return
    assert bad == good or lanes.tolist() != SPARSE.tolist()


def test_the_form_is_the_published_one():
    # Gaps 2 and 0 with parameter 0: 001 1; sizes less 1, 0 and 2, with parameter 0: 1 001; signs: plus, minus.
    assert compress(np.array([0, 0, 1, -3, 0], np.int8)).hex() == "00" + "00000002" + f"{0b0011_1001:02x}" + "40"


def test_no_change_at_all_takes_five_bytes():
    assert compress(np.zeros(1_000, np.int8)) == bytes(5)


def test_25_of_1000_lanes_take_less_than_a_bitmap_of_them():
    assert len(compress(SPARSE)) < 1_000 / 8


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x00" * 4, "4 bytes"),
        (b"\x00\xff\xff\xff\xff" + b"\xff" * 50, "too early"),
        (b"\xff\x00\x00\x00\x01\x80", "too early"),
        (compress(SPARSE)[:-1], "too early"),
        (compress(np.ones(8, np.int8)) + b"\x00", "shorter or padded"),
        (b"\x01\x00\x00\x00\x01\xa0", "shorter or padded"),
        (compress(np.array([0] * 8 + [1], np.int8)), "lane 8 of 8"),
        (compress(np.array([200], np.int16)), "size 200 in 8 bits"),
        (compress(np.array([128], np.int16)), "shorter or padded"),
    ],
)
def test_expanding_refuses(data, reason):
    with pytest.raises(MalformedContent, match=reason):
        expand(data, 8, 8)


def test_an_update_is_written_in_its_shorter_form():
    assert len(encode_briefly(update_of(SPARSE))) == HEADER_BYTES + len(compress(SPARSE))
    noise = np.random.default_rng(1).integers(-128, 128, 1_000).astype(np.int8)
    assert encode_briefly(update_of(noise)) == encode(update_of(noise))


def test_both_forms_have_the_same_root():
    brief = decode(encode_briefly(update_of(SPARSE)))
    assert brief.compact
    assert brief.lanes.tolist() == SPARSE.tolist()
    assert lanes_root(brief) == lanes_root(update_of(SPARSE))


def test_a_small_object_cannot_announce_more_than_the_largest_one_holds():
    huge = replace(update_of(SPARSE), compact=True)
    data = bytearray(encode(huge))
    data[24:32] = b"\xff" * 8
    with pytest.raises(MalformedContent, match="at most 1048576"):
        decode(bytes(data))


def test_a_compact_form_that_is_longer_is_refused():
    with pytest.raises(MalformedContent, match="plain lanes take"):
        encode(replace(UPDATE, compact=True))


def test_models_and_aggregates_have_plain_lanes():
    model = replace(
        update_of(SPARSE.astype(np.int32)), kind=ContentKind.MODEL, lane_bits=32, author=0, shard=0, compact=True
    )
    with pytest.raises(MalformedContent, match="compact lanes in kind"):
        encode(model)
    data = bytearray(encode(replace(model, compact=False)))
    data[7] = 1
    with pytest.raises(MalformedContent, match="compact lanes in kind"):
        decode(bytes(data))


def opened(lanes, data):
    root = lanes_root(make_update(ParticipantId(5), lanes=lanes))
    return open_lanes(Reveal(ParticipantId(5), 0, root, content_digest(data), "0x00"), data, b"", TERMS)


def test_a_challenger_opens_a_compact_update_whatever_its_header_says():
    """Else a committee could include one that is over the norm bound, and nobody could prove it."""
    lanes = np.zeros(41, np.int16)
    lanes[7] = 32_767
    data = bytes(HEADER_BYTES) + compress(lanes)
    assert opened(lanes, data).lanes.tolist() == lanes.tolist()


def test_a_challenger_refuses_short_lanes_that_are_no_compact_form():
    with pytest.raises(UpdateRejected, match="too early"):
        opened(np.zeros(41, np.int16), bytes(HEADER_BYTES) + b"\x00\x00\x00\x00\x09")
