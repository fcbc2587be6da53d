"""Aggregates as `BlsQuorum` reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.chain.contracts.bls_quorum import KeyPlace
from qfl.errors import MalformedContent
from qfl.quorum.bls import Aggregate, decode_aggregate, encode_aggregate

SIGNATURE = bytes(range(192))
places = st.builds(KeyPlace, st.integers(0, 0xFFFE), st.integers(0, 0xFF))
aggregates = st.builds(
    Aggregate,
    st.binary(min_size=192, max_size=192),
    st.dictionaries(st.integers(0, 63), places | st.binary(min_size=96, max_size=96), max_size=8),
)


def test_layout_is_mask_signature_and_keys_by_seat():
    bundle = encode_aggregate(Aggregate(SIGNATURE, {63: KeyPlace(258, 3), 1: b"k" * 96}))
    assert bundle == bytes.fromhex("8000000000000002") + SIGNATURE + b"\xff\xff" + b"k" * 96 + b"\x01\x02\x03"


@given(aggregates)
def test_decoding_undoes_encoding(aggregate):
    assert decode_aggregate(encode_aggregate(aggregate)) == aggregate


@given(aggregates, st.data())
def test_bundle_cut_short_or_with_a_rest_is_refused(aggregate, data):
    """`qfl verify` must not take a cut key for another one."""
    bundle = encode_aggregate(aggregate)
    cut = data.draw(st.integers(0, len(bundle) - 1))
    for wrong in (bundle[:cut], bundle + b"\0"):
        with pytest.raises(MalformedContent, match=f"aggregate of {len(wrong)} bytes"):
            decode_aggregate(wrong)
