"""Attestation bundles as `LmsQuorum` reads them, and how many attestations it wants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.errors import MalformedContent
from qfl.protocol.quorum import quorum_of
from qfl.quorum.lms import decode_bundle, encode_bundle

bundles = st.dictionaries(st.integers(0, 63), st.binary(max_size=40), max_size=8)


def test_layout_is_mask_then_length_and_signature_by_seat():
    assert encode_bundle({2: b"\xaa\xbb", 0: b"\xcc"}).hex() == "0000000000000005" + "0001cc" + "0002aabb"


@given(bundles)
def test_decoding_undoes_encoding(signatures):
    assert decode_bundle(encode_bundle(signatures)) == signatures


@given(bundles, st.data())
def test_bundle_cut_short_is_refused(signatures, data):
    """A cut signature taken for a whole one would make an honest seat look like a forger in `qfl verify`."""
    bundle = encode_bundle(signatures)
    cut = data.draw(st.integers(0, len(bundle) - 1))
    with pytest.raises(MalformedContent, match=f"bundle of {cut} bytes"):
        decode_bundle(bundle[:cut])


@given(bundles, st.binary(min_size=1, max_size=70))
def test_bundle_with_more_behind_it_is_refused(signatures, rest):
    with pytest.raises(MalformedContent):
        decode_bundle(encode_bundle(signatures) + rest)


@given(st.binary(max_size=200))
def test_whatever_the_chain_holds_is_decoded_or_refused(bundle):
    try:
        signatures = decode_bundle(bundle)
    except MalformedContent:
        return
    assert encode_bundle(signatures) == bundle


@pytest.mark.parametrize("seats", range(1, 65))
def test_quorum_is_the_smallest_number_that_is_two_thirds(seats):
    """One less and a third could attest alone; one more and a third could stall what two thirds want."""
    assert quorum_of(seats) == next(n for n in range(seats + 1) if 3 * n >= 2 * seats)
