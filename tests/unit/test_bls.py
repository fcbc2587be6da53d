"""BLS keys and signatures: sums that are what they seem, or are not; points as the reference has them, or refused."""

import pytest
from py_ecc.bls.g2_primitives import G2_to_signature, pubkey_to_G1, signature_to_G2
from py_ecc.optimized_bls12_381 import add, neg, normalize

from qfl.crypto.bls import BlsKey, aggregate, verify, verify_aggregate, verify_together
from qfl.crypto.bls_points import FIELD, compressed_key, compressed_signature, full_key, full_signature
from qfl.errors import MalformedContent

MESSAGE, OTHER = b"m" * 32, b"o" * 32
KEYS = [BlsKey(bytes([seed]) * 32) for seed in range(8)]
SIGNATURES = {key.public: key.sign(MESSAGE) for key in KEYS[:4]}
INFINITY_KEY, INFINITY = b"\xc0" + bytes(47), b"\xc0" + bytes(95)


@pytest.mark.parametrize("noise", [b"", bytes(96), b"\xff" * 96, INFINITY, b"\x80" + bytes(95), bytes(95), bytes(192)])
def test_noise_is_no_signature(noise):
    """Anybody can put it on chain in a seat's name: it must not raise."""
    assert not verify(KEYS[0].public, MESSAGE, noise)
    assert not verify_together({**SIGNATURES, KEYS[0].public: noise}, MESSAGE)


def test_infinity_is_no_key():
    assert not verify(INFINITY_KEY, MESSAGE, INFINITY)
    assert not verify_aggregate([], MESSAGE, INFINITY)


def test_one_signature_stands_for_all_who_signed_and_nobody_else():
    publics, together = list(SIGNATURES), aggregate(SIGNATURES.values())
    assert verify_aggregate(publics, MESSAGE, together)
    assert not verify_aggregate(publics[:-1], MESSAGE, together)
    assert not verify_aggregate(publics, OTHER, together)
    assert not verify_aggregate(publics, MESSAGE, aggregate([*SIGNATURES.values(), KEYS[0].sign(MESSAGE)]))


def test_proof_of_possession_is_no_signature():
    key = KEYS[0]
    for message in (MESSAGE, key.public + MESSAGE):
        assert not verify(key.public, message, key.prove_possession(MESSAGE))


def test_signatures_shifted_against_each_other_are_good_together_only():
    """Two owners who moved a difference from one to the other: each is noise, the sum is what both signed."""
    one, other = KEYS[:2]
    shift = signature_to_G2(KEYS[3].sign(OTHER))
    shifted = {
        one.public: bytes(G2_to_signature(add(signature_to_G2(SIGNATURES[one.public]), shift))),
        other.public: bytes(G2_to_signature(add(signature_to_G2(SIGNATURES[other.public]), neg(shift)))),
    }
    assert not any(verify(public, MESSAGE, signature) for public, signature in shifted.items())
    assert verify_together(shifted, MESSAGE)
    assert aggregate(shifted.values()) == aggregate([SIGNATURES[one.public], SIGNATURES[other.public]])


# --- points ---


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
