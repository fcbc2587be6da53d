"""Sealed objects: every seat reads the same, and whatever is not exactly what was sealed is refused by every seat."""

import os

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from qfl.crypto.kem import CIPHERTEXT_BYTES, PUBLIC_KEY_BYTES, KemKey, encapsulate, require_public_key
from qfl.crypto.sealed import ENTRY_BYTES, HEADER, open_sealed, parse_sealed, seal, sealed_bytes
from qfl.errors import InvalidInput, MalformedContent, QflError, SealBroken

KEYS = [KemKey(bytes([seat + 1]) * 64) for seat in range(4)]
PUBLIC = [key.public for key in KEYS]
CONTENT, SEED, CONTEXT = b"lanes" * 20, b"s" * 32, b"c" * 32
SEALED = seal(CONTENT, SEED, PUBLIC, CONTEXT)


def damaged(data: bytes, position: int, flip: int = 1) -> bytes:
    return data[:position] + bytes([data[position] ^ flip]) + data[position + 1 :]


@settings(max_examples=30)
@given(
    st.binary(max_size=300),
    st.binary(min_size=32, max_size=32),
    st.sets(st.integers(0, 3), min_size=1),
    st.binary(max_size=40),
)
def test_every_recipient_gets_content_and_seed_back(content, seed, seats, context):
    recipients = [PUBLIC[seat] if seat in seats else b"" for seat in range(4)]
    data = seal(content, seed, recipients, context)
    assert len(data) == sealed_bytes(len(content), len(seats))
    for seat in seats:
        assert open_sealed(data, seat, KEYS[seat], recipients, context) == (content, seed)


@settings(max_examples=200)
@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255), st.integers(0, 3))
def test_no_changed_byte_passes_any_seat(position, flip, seat):
    """In another seat's entry too: what one seat takes and another cannot read would divide the committee."""
    with pytest.raises((MalformedContent, SealBroken)):
        open_sealed(damaged(SEALED, position, flip), seat, KEYS[seat], PUBLIC, CONTEXT)


@given(st.integers(0, len(SEALED) - 1), st.integers(0, 3))
def test_no_truncated_object_passes(length, seat):
    with pytest.raises((MalformedContent, SealBroken)):
        open_sealed(SEALED[:length], seat, KEYS[seat], PUBLIC, CONTEXT)


@given(st.binary(max_size=2 * ENTRY_BYTES), st.booleans())
def test_bytes_of_a_stranger_are_refused_and_crash_nothing(data, with_header):
    hostile = SEALED[: HEADER.size] + data if with_header else data
    with pytest.raises(QflError):
        open_sealed(hostile, 0, KEYS[0], PUBLIC, CONTEXT)


@pytest.mark.parametrize(
    ("seat", "recipients", "context", "reason"),
    [
        # Copied from the round before, or from another client, it would be counted twice.
        *((0, PUBLIC, other, "not for this place") for other in (b"d" * 32, b"", CONTEXT + b"c", CONTEXT[:-1])),
        (1, PUBLIC, CONTEXT, "the entry of seat 1 was not made for its key"),
        (0, [*PUBLIC[:3], b""], CONTEXT, "the key of seat 3 cannot be had"),
    ],
    ids=["another place", "nowhere", "longer", "shorter", "another seat's key", "an entry that cannot be checked"],
)
def test_object_does_not_open(seat, recipients, context, reason):
    with pytest.raises(SealBroken, match=reason):
        open_sealed(SEALED, seat, KEYS[0], recipients, context)


def test_seat_without_a_key_is_no_recipient():
    recipients = [*PUBLIC[:3], b""]
    data = seal(CONTENT, SEED, recipients, CONTEXT)
    assert open_sealed(data, 0, KEYS[0], recipients, CONTEXT) == (CONTENT, SEED)
    with pytest.raises(SealBroken, match="seat 3 is no recipient"):
        open_sealed(data, 3, KEYS[3], recipients, CONTEXT)


def test_client_that_sends_one_seat_noise_is_found_out_by_the_others():
    """Half a committee with the update and half without it would attest nothing for the whole round."""
    start = HEADER.size + 2 * ENTRY_BYTES
    other = seal(CONTENT, b"t" * 32, PUBLIC, CONTEXT)
    data = SEALED[:start] + other[start : start + ENTRY_BYTES] + SEALED[start + ENTRY_BYTES :]
    for seat in (0, 1, 3):
        with pytest.raises(SealBroken, match="the entry of seat 2 does not open to what the others get"):
            open_sealed(data, seat, KEYS[seat], PUBLIC, CONTEXT)
    with pytest.raises(SealBroken):
        open_sealed(data, 2, KEYS[2], PUBLIC, CONTEXT)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "0 bytes are less than a sealed object's header"),
        (damaged(SEALED, 0), "magic"),
        (damaged(SEALED, 4), "version 0"),
        (damaged(SEALED, 5), "a committee of 5 seats"),
        (damaged(SEALED, 7), r"4 seats \(and 1\)"),
        (damaged(SEALED, 15, 0x10), "recipients 0x1f of 4 seats"),
        (damaged(SEALED, 8, 0x80), "recipients 0x800000000000000f of 4 seats"),
        (SEALED[: HEADER.size + 4 * ENTRY_BYTES + 15], "4 recipients take"),
    ],
    ids=["empty", "magic", "version", "seats", "zeros", "fifth seat", "64th seat", "no room for a tag"],
)
def test_parser_says_what_is_wrong(data, reason):
    with pytest.raises(MalformedContent, match=reason):
        parse_sealed(data, 4)


def test_content_is_nowhere_in_the_clear():
    assert CONTENT[:5] not in SEALED
    assert SEED[:4] not in SEALED


def test_layout_is_the_documented_one():
    """Others write these bytes too."""
    assert SEALED[:16] == b"QFLE\x01\x04\0\0" + (0b1111).to_bytes(8)
    assert ENTRY_BYTES == CIPHERTEXT_BYTES + 40 == 1_128
    assert len(SEALED) == 16 + 4 * 1_128 + 100 + 16


# --- encapsulation by one library, decapsulation by another ---


@settings(max_examples=25)
@given(st.binary(min_size=64, max_size=64), st.binary(min_size=32, max_size=32))
def test_one_library_decapsulates_what_the_other_encapsulates(seed, message):
    """One wrong coefficient in 1,536, and the library's implicit rejection answers with noise."""
    key = KemKey(seed)
    secret, ciphertext = encapsulate(key.public, message)
    assert len(ciphertext) == CIPHERTEXT_BYTES
    assert key.decapsulate(ciphertext) == secret


def test_same_message_gives_the_same_ciphertext_and_another_one_another():
    """Whoever opens a sealed object computes every seat's entry again."""
    public = KemKey(bytes(64)).public
    first, again, other = (encapsulate(public, bytes([value]) * 32) for value in (1, 1, 2))
    assert first == again
    assert first[0] != other[0]
    assert first[1] != other[1]


def test_key_of_the_library_is_taken():
    public = MLKEM768PrivateKey.from_seed_bytes(os.urandom(64)).public_key().public_bytes_raw()
    assert require_public_key(public) == public


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda public: b"", id="empty"),
        pytest.param(lambda public: public[:-1], id="short"),
        pytest.param(lambda public: public + b"\0", id="long"),
        pytest.param(lambda public: b"\xff" * PUBLIC_KEY_BYTES, id="coefficients not reduced"),
        pytest.param(lambda public: b"\x01\x0d" + public[2:], id="first coefficient 3,329 or more"),
    ],
)
def test_what_is_no_public_key_is_refused(damage):
    """A validator's key is bytes from a stranger: none must crash the client that encrypts to it."""
    with pytest.raises(InvalidInput, match="public key"):
        encapsulate(damage(KemKey(bytes(64)).public), bytes(32))


def test_message_of_another_length_is_refused():
    with pytest.raises(InvalidInput, match="32 bytes"):
        encapsulate(KemKey(bytes(64)).public, bytes(31))
