"""Quorums: how many seats they take, which of the signatures announced in a seat's name count, and their bundles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.chain.contracts.bls_quorum import KeyPlace
from qfl.crypto.bls import BlsKey
from qfl.crypto.lms import LmsSecret
from qfl.errors import MalformedContent
from qfl.protocol.quorum import quorum_of
from qfl.protocol.types import ParticipantId
from qfl.quorum.bls import Aggregate, BlsScheme, decode_aggregate, encode_aggregate
from qfl.quorum.lms import LmsScheme, decode_bundle, encode_bundle
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


# --- BLS aggregates ---


SIGNATURE = bytes(range(192))
places = st.builds(KeyPlace, st.integers(0, 0xFFFE), st.integers(0, 0xFF))
aggregates = st.builds(
    Aggregate,
    st.binary(min_size=192, max_size=192),
    st.dictionaries(st.integers(0, 63), places | st.binary(min_size=96, max_size=96), max_size=8),
)


def test_layout_of_aggregates_is_mask_signature_and_keys_by_seat():
    bundle = encode_aggregate(Aggregate(SIGNATURE, {63: KeyPlace(258, 3), 1: b"k" * 96}))
    assert bundle == bytes.fromhex("8000000000000002") + SIGNATURE + b"\xff\xff" + b"k" * 96 + b"\x01\x02\x03"


@given(aggregates)
def test_decoding_undoes_encoding_of_aggregates(aggregate):
    assert decode_aggregate(encode_aggregate(aggregate)) == aggregate


@given(aggregates, st.data())
def test_aggregate_cut_short_or_with_a_rest_is_refused(aggregate, data):
    """`qfl verify` must not take a cut key for another one."""
    bundle = encode_aggregate(aggregate)
    cut = data.draw(st.integers(0, len(bundle) - 1))
    for wrong in (bundle[:cut], bundle + b"\0"):
        with pytest.raises(MalformedContent, match=f"aggregate of {len(wrong)} bytes"):
            decode_aggregate(wrong)


# --- what is announced ---


DIGEST, OTHER = b"d" * 32, b"o" * 32
COMMITTEE = [ParticipantId(7), ParticipantId(5), ParticipantId(6)]


class Lms:
    """Three seats that sign with LMS keys. Judging signatures takes no chain."""

    scheme = LmsScheme(None)
    secrets = tuple(LmsSecret.derive(5, bytes([seat]) * 16, bytes([seat]) * 24) for seat in range(3))

    def sign(self, seat, digest=DIGEST):
        message = self.scheme.message(digest, COMMITTEE[seat], seat)
        return self.secrets[seat].sign_with(0 if digest == DIGEST else 1, message, bytes(24))


class Bls:
    """Three seats that sign with BLS keys."""

    scheme = BlsScheme(None)
    secrets = tuple(BlsKey(bytes([seat]) * 32) for seat in range(3))

    def sign(self, seat, digest=DIGEST):
        return self.secrets[seat].sign(digest)


@pytest.fixture(params=[Lms(), Bls()], ids=["LMS", "BLS"])
def seats(request):
    return request.param


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
    noise = [b"", bytes(96), seats.sign(0), seats.sign(1, OTHER)]
    tally.add([(1, one) for one in noise])
    assert tally.signatures == {}
    tally.add([*((1, one) for one in noise), (0, seats.sign(0)), (2, b"\xff" * 96), (1, seats.sign(1))])
    assert tally.signatures == {0: seats.sign(0), 1: seats.sign(1)}


def test_a_seat_without_a_key_is_not_heard(seats):
    tally = Tally(seats.scheme, {0: seats.secrets[0].public}, digest=DIGEST, committee=COMMITTEE)
    tally.add([(seat, seats.sign(seat)) for seat in range(3)])
    assert tally.signatures == {0: seats.sign(0)}


def test_a_signature_in_another_seat_or_name_is_noise():
    """Two validators with one LMS key, of which one signs."""
    key, seats = Lms.secrets[0].public, Lms()
    tally = Tally(Lms.scheme, dict.fromkeys(range(3), key), digest=DIGEST, committee=COMMITTEE)
    tally.add([(seat, seats.sign(0)) for seat in range(3)])
    assert tally.signatures == {0: seats.sign(0)}
