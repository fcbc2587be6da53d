"""Quorums: how many seats they take, which of the signatures announced in a seat's name count, and their bundles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.crypto.lms import LmsSecret
from qfl.errors import MalformedContent
from qfl.protocol.quorum import quorum_of
from qfl.protocol.types import ParticipantId
from qfl.quorum.lms import LmsScheme, decode_bundle, encode_bundle
from qfl.quorum.votes import VoteScheme
from qfl.validator.attestation_pool import Tally

# --- LMS bundles ---


bundles = st.dictionaries(st.integers(0, 63), st.binary(max_size=40), max_size=8)


def test_layout_is_mask_then_length_and_signature_by_seat():
    assert encode_bundle({2: b"\xaa\xbb", 0: b"\xcc"}).hex() == "0000000000000005" + "0001cc" + "0002aabb"


@given(bundles)
def test_decoding_undoes_encoding(signatures):
    assert decode_bundle(encode_bundle(signatures)) == signatures


@given(bundles, st.data(), st.binary(min_size=1, max_size=70))
def test_bundle_cut_short_or_with_more_behind_it_is_refused(signatures, data, rest):
    """A cut signature taken for a whole one would make an honest seat look like a forger in `qfl verify`."""
    bundle = encode_bundle(signatures)
    cut = data.draw(st.integers(0, len(bundle) - 1))
    for wrong in (bundle[:cut], bundle + rest):
        with pytest.raises(MalformedContent, match=f"bundle of {len(wrong)} bytes"):
            decode_bundle(wrong)


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


# --- what is announced ---


DIGEST, OTHER = b"d" * 32, b"o" * 32
COMMITTEE = [ParticipantId(7), ParticipantId(5), ParticipantId(6)]


class Seats:
    """Three seats that sign with LMS keys. Judging signatures takes no chain."""

    secrets = tuple(LmsSecret.derive(5, bytes([seat]) * 16, bytes([seat]) * 24) for seat in range(3))

    def __init__(self, scheme):
        self.scheme = scheme(None)

    def sign(self, seat, digest=DIGEST):
        message = self.scheme.message(digest, COMMITTEE[seat], seat)
        return self.scheme.attestation(self.secrets[seat].sign_with(0 if digest == DIGEST else 1, message, bytes(24)))


@pytest.fixture(params=[LmsScheme, VoteScheme], ids=["LMS", "votes"])
def seats(request):
    return Seats(request.param)


@pytest.fixture
def tally(seats):
    keys = {seat: secret.public for seat, secret in enumerate(seats.secrets)}
    return Tally(seats.scheme, keys, digest=DIGEST, committee=COMMITTEE)


def test_every_seat_counts_once(seats, tally):
    said = [(seat, seats.sign(seat)) for seat in range(3)]
    tally.add(said)
    tally.add(said * 2)
    assert tally.signatures == dict(said)


def test_noise_does_not_keep_a_seat_from_being_heard(seats, tally):
    """It comes first and in any number, before and between what the seats say themselves."""
    noise = [b"", bytes(96), seats.scheme.bare(seats.sign(1))[1:], seats.sign(0), seats.sign(1, OTHER)]
    tally.add([(1, one) for one in noise])
    assert tally.signatures == {}
    tally.add([*((1, one) for one in noise), (0, seats.sign(0)), (2, b"\xff" * 96), (1, seats.sign(1))])
    assert tally.signatures == {0: seats.sign(0), 1: seats.sign(1)}


def test_a_seat_without_a_key_is_not_heard(seats):
    tally = Tally(seats.scheme, {0: seats.secrets[0].public}, digest=DIGEST, committee=COMMITTEE)
    tally.add([(seat, seats.sign(seat)) for seat in range(3)])
    assert tally.signatures == {0: seats.sign(0)}


def test_a_signature_in_another_seat_or_name_is_noise(seats):
    """Two validators with one key, of which one signs."""
    key = seats.secrets[0].public
    tally = Tally(seats.scheme, dict.fromkeys(range(3), key), digest=DIGEST, committee=COMMITTEE)
    tally.add([(seat, seats.sign(0)) for seat in range(3)])
    assert tally.signatures == {0: seats.sign(0)}
