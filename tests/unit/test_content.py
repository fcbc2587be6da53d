"""Content objects: one encoding each, and nothing else is accepted."""

import hashlib
import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qfl.errors import InvalidInput, MalformedContent
from qfl.protocol.cid import cid_of, digest_of
from qfl.protocol.content import Content, ContentKind, content_digest, decode, encode, lanes_root
from qfl.protocol.lanes import lane_dtype, lane_limits, pack_lanes
from qfl.protocol.types import ModelShape

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "content.json").read_text())

UPDATE = Content(
    kind=ContentKind.UPDATE,
    lane_bits=16,
    round=3,
    shard=1,
    count=0,
    author=9,
    shape=ModelShape(2, 1),
    base_root=b"\xab" * 32,
    lanes=np.array([1, -2, 3], np.int16),
)


@st.composite
def contents(draw):
    kind = draw(st.sampled_from(ContentKind))
    bits = draw(st.sampled_from([4, 8, 16])) if kind is ContentKind.UPDATE else 32
    shape = ModelShape(draw(st.integers(0, 20)), draw(st.integers(1, 20)))
    return Content(
        kind=kind,
        lane_bits=bits,
        round=draw(st.integers(0, 2**64 - 1)),
        shard=0 if kind is ContentKind.MODEL else draw(st.integers(0, 2**16 - 1)),
        count=draw(st.integers(1, 2**16 - 1)) if kind is ContentKind.AGGREGATE else 0,
        author=draw(st.integers(1, 2**32 - 1)) if kind is ContentKind.UPDATE else 0,
        shape=shape,
        base_root=draw(st.binary(min_size=32, max_size=32)),
        lanes=draw(hnp.arrays(lane_dtype(bits), shape.total, elements=st.integers(*lane_limits(bits)))),
    )


@given(contents())
def test_decoding_undoes_encoding(content):
    decoded = decode(encode(content))
    assert decoded.lanes.tolist() == content.lanes.tolist()
    assert replace(decoded, lanes=None).__dict__ == replace(content, lanes=None).__dict__


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_are_the_one_encoding_of_what_they_say(data):
    for candidate in (data, encode(UPDATE)[:5] + data):
        try:
            content = decode(candidate)
        except MalformedContent:
            continue
        assert encode(content) == candidate


def test_layout_is_the_published_one():
    header = b"QFLC" + bytes([1, 1, 16, 0]) + struct.pack(">QHHIII", 3, 1, 0, 9, 2, 1) + b"\xab" * 32
    assert encode(UPDATE) == header + bytes.fromhex("0001fffe0003")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["kind"])
def test_vectors(vector):
    data = bytes.fromhex(vector["data"])
    content = decode(data)
    assert content.kind.name.lower() == vector["kind"]
    assert encode(content) == data
    assert pack_lanes(content.lanes, content.lane_bits).hex() == vector["lanes"]
    assert lanes_root(content).hex() == vector["lanesRoot"]
    assert content_digest(data).hex() == vector["contentDigest"]
    assert cid_of(content_digest(data)) == vector["cid"]


def altered(offset: int, value: bytes) -> bytes:
    data = encode(UPDATE)
    return data[:offset] + value + data[offset + len(value) :]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "less than a header"),
        (encode(UPDATE)[:63], "less than a header"),
        (altered(0, b"PKLE"), "magic"),
        (altered(4, b"\x02"), "version 2"),
        (altered(5, b"\x00"), "kind 0"),
        (altered(5, b"\x04"), "kind 4"),
        (altered(6, b"\x20"), "lane bits 32"),
        (altered(6, b"\x07"), "lane bits 7"),
        (altered(7, b"\x02"), "flags"),
        (altered(18, b"\x00\x01"), "count 1"),
        (altered(20, bytes(4)), "author 0"),
        (altered(24, bytes(8)), "no coordinates"),
        (altered(24, b"\xff" * 8), "at most 1048576"),
        (altered(24, b"\x00\x00\x00\x03"), "announces"),
        (encode(UPDATE)[:-1], "announces"),
        (encode(UPDATE) + b"\x00", "announces"),
    ],
)
def test_decode_refuses(data, reason):
    with pytest.raises(MalformedContent, match=reason):
        decode(data)


@pytest.mark.parametrize(
    "change",
    [
        {"round": 2**64},
        {"author": 0},
        {"count": 1},
        {"base_root": bytes(31)},
        {"lane_bits": 32},
        {"shape": ModelShape(2, 2)},
        {"kind": ContentKind.MODEL, "lane_bits": 32, "author": 0},
    ],
)
def test_encode_refuses_what_decode_would(change):
    with pytest.raises(MalformedContent):
        encode(replace(UPDATE, **change))


def test_content_of_one_mebibyte_is_the_largest():
    lanes = np.zeros(2**20 - 64 + 1, np.int8)
    largest = replace(UPDATE, lane_bits=8, lanes=lanes[:-1], shape=ModelShape(0, lanes.size - 1))
    assert len(encode(largest)) == 2**20
    with pytest.raises(MalformedContent):
        encode(replace(largest, lanes=lanes, shape=ModelShape(0, lanes.size)))


def test_cid_is_what_ipfs_prints():
    # `ipfs add --cid-version 1 --raw-leaves` of the five bytes "hello".
    digest = hashlib.sha256(b"hello").digest()
    assert cid_of(digest) == "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"


@given(st.binary(min_size=32, max_size=32))
def test_digest_is_back_from_its_cid(digest):
    assert digest_of(cid_of(digest)) == digest


GOOD = cid_of(bytes(32))


@pytest.mark.parametrize(
    "cid",
    [
        "",
        "b",
        "é" * 59,
        GOOD[:-1],
        GOOD + "a",
        GOOD.upper(),
        "z" + GOOD[1:],
        GOOD[:-1] + "b",
        "bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
        "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG",
    ],
)
def test_other_cids_are_refused(cid):
    with pytest.raises(InvalidInput):
        digest_of(cid)
