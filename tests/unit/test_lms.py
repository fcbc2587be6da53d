"""LMS signatures as the library makes them and as RFC 8554 lays them out."""

import json
from dataclasses import replace
from pathlib import Path

import pyhsslms
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyhsslms.pyhsslms import D_MESG, H, checksum, coef

from qfl.crypto.lms import LmsSecret, leaf_of, signature_bytes, verifier_steps, verify
from qfl.errors import InvalidInput
from qfl.protocol.types import LmsPublicKey

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "lms.json").read_text())
MESSAGE = b"m" * 32


@pytest.fixture(scope="module")
def secret() -> LmsSecret:
    return LmsSecret.derive(5, bytes(16), bytes(24))


def key_of(vector) -> LmsPublicKey:
    return LmsPublicKey(bytes.fromhex(vector["identifier"]), bytes.fromhex(vector["root"]), vector["height"])


@pytest.mark.parametrize("vector", VECTORS["valid"], ids=lambda v: f"height {v['height']} leaf {v['leaf']}")
def test_valid_vectors(vector):
    signature = bytes.fromhex(vector["signature"])
    assert verify(key_of(vector), bytes.fromhex(vector["message"]), signature)
    assert leaf_of(signature) == vector["leaf"]
    assert len(signature) == signature_bytes(vector["height"])


@pytest.mark.parametrize("vector", VECTORS["invalid"], ids=lambda v: v["reason"])
def test_invalid_vectors(vector):
    message, signature = bytes.fromhex(vector["message"]), bytes.fromhex(vector["signature"])
    assert not verify(key_of(vector), message, signature)


def test_key_and_signatures_are_the_librarys(secret):
    theirs = pyhsslms.LmsPrivateKey(
        pyhsslms.lms_sha256_m24_h5, pyhsslms.lmots_sha256_n24_w4, SEED=bytes(24), I=bytes(16)
    )
    assert secret.public.root == theirs.publicKey().K
    for leaf in range(32):
        assert theirs.publicKey().verify(MESSAGE, secret.sign(leaf, MESSAGE))
        assert verify(secret.public, MESSAGE, theirs.sign(MESSAGE))


@given(st.data())
def test_one_flipped_bit_anywhere_is_refused(secret, data):
    signature = bytearray(secret.sign_with(7, MESSAGE, bytes(24)))
    bit = data.draw(st.integers(0, 8 * len(signature) - 1))
    signature[bit // 8] ^= 1 << bit % 8
    assert not verify(secret.public, MESSAGE, bytes(signature))


def test_another_message_key_or_height_is_refused(secret):
    signature = secret.sign(0, MESSAGE)
    assert verify(secret.public, MESSAGE, signature)
    assert not verify(secret.public, b"n" * 32, signature)
    assert not verify(LmsSecret.generate(5).public, MESSAGE, signature)
    assert not verify(replace(secret.public, height=10), MESSAGE, signature)
    assert not verify(replace(secret.public, height=4), MESSAGE, signature)


def test_signer_spares_the_verifier_steps(secret):
    def steps(signature: bytes) -> int:
        message_hash = H("sha256", bytes(16) + signature[:4] + D_MESG + signature[8:32] + MESSAGE, 24)
        value = message_hash + checksum(message_hash, 4, 4)
        assert verifier_steps(message_hash) == sum(15 - coef(value, i, 4) for i in range(51))
        return verifier_steps(message_hash)

    # 390 on average with a random C, standard deviation 32. The least of 256 is above 370 once in 10^37 signatures.
    assert all(steps(secret.sign(leaf, MESSAGE)) < 370 for leaf in range(16))


def test_signatures_of_one_message_differ(secret):
    assert secret.sign(3, MESSAGE) != secret.sign(3, MESSAGE)


def test_unsupported_height_is_refused():
    with pytest.raises(InvalidInput, match="height = 20"):
        LmsSecret.generate(20)
