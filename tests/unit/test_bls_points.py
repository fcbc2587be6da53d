"""Points of BLS12-381 between the libraries' bytes and the contracts': as the reference has them, or refused."""

from __future__ import annotations

import pytest
from py_ecc.bls.g2_primitives import pubkey_to_G1, signature_to_G2
from py_ecc.optimized_bls12_381 import normalize

from qfl.crypto.bls import BlsKey
from qfl.crypto.bls_points import FIELD, compressed_key, compressed_signature, full_key, full_signature
from qfl.errors import MalformedContent

KEYS = [BlsKey(bytes([seed]) * 32) for seed in range(8)]
GENERATOR = "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"


def test_points_are_the_references():
    """Among these are both signs of y, and for signatures both ways to a square root."""
    for key in KEYS:
        x, y = normalize(pubkey_to_G1(key.public))
        assert full_key(key.public) == int(x).to_bytes(48) + int(y).to_bytes(48)
        signature = key.sign(b"message")
        x, y = normalize(signature_to_G2(signature))
        assert full_signature(signature) == b"".join(int(c).to_bytes(48) for c in (*x.coeffs, *y.coeffs))
    assert {key.public[0] & 0x20 for key in KEYS} == {0, 0x20}


def test_generator_is_the_known_one():
    y = "08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"
    assert full_key(bytes.fromhex(GENERATOR)).hex() == "1" + GENERATOR[1:] + y


def test_compressing_undoes_it():
    for key in KEYS:
        assert compressed_key(full_key(key.public)) == key.public
        assert compressed_signature(full_signature(key.sign(b"message"))) == key.sign(b"message")


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(KEYS[0].public[:-1], id="cut"),
        pytest.param(KEYS[0].sign(b"message"), id="of the other group"),
        pytest.param(b"\xc0" + bytes(47), id="infinity"),
        pytest.param(bytes([KEYS[0].public[0] & 0x7F]) + KEYS[0].public[1:], id="not marked compressed"),
        pytest.param((FIELD | 1 << 383).to_bytes(48), id="not reduced"),
        pytest.param(b"\x80" + bytes(46) + b"\x01", id="off the curve"),
    ],
)
def test_what_is_no_key_is_refused(wrong):
    with pytest.raises(MalformedContent):
        full_key(wrong)


def test_what_is_no_signature_is_refused():
    for wrong in (b"", KEYS[0].public, b"\xc0" + bytes(95), b"\x80" + bytes(94) + b"\x01"):
        with pytest.raises(MalformedContent):
            full_signature(wrong)


@pytest.mark.parametrize("length", [0, 95, 97, 192])
def test_full_key_of_another_length_is_refused(length):
    with pytest.raises(MalformedContent, match=f"key of {length} bytes"):
        compressed_key(bytes(length))
