"""Deterministic ML-KEM-768 encapsulation by one library against the library's decapsulation."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from qfl.crypto.kem import CIPHERTEXT_BYTES, PUBLIC_KEY_BYTES, KemKey, encapsulate, require_public_key
from qfl.errors import InvalidInput


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
