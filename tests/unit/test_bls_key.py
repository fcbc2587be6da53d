"""A validator's BLS key: its file, its signatures, and sums of signatures that are what they seem, or are not."""

from __future__ import annotations

import pytest
from py_ecc.bls.g2_primitives import G2_to_signature, signature_to_G2
from py_ecc.optimized_bls12_381 import add, neg

from qfl.crypto.bls import BlsKey, aggregate, verify, verify_aggregate, verify_together
from qfl.errors import BlsKeyUnusable

MESSAGE, OTHER = b"m" * 32, b"o" * 32
KEYS = [BlsKey(bytes([seed]) * 32) for seed in range(4)]
SIGNATURES = {key.public: key.sign(MESSAGE) for key in KEYS}
INFINITY_KEY, INFINITY = b"\xc0" + bytes(47), b"\xc0" + bytes(95)


def test_key_is_kept_and_found_again(tmp_path):
    made = BlsKey.keep(tmp_path / "bls.key")
    assert BlsKey.keep(tmp_path / "bls.key").sign(MESSAGE) == made.sign(MESSAGE)
    assert (tmp_path / "bls.key").stat().st_mode & 0o777 == 0o600


def test_exposed_or_missing_file_is_refused(tmp_path):
    BlsKey.create(tmp_path / "bls.key")
    (tmp_path / "bls.key").chmod(0o644)
    with pytest.raises(BlsKeyUnusable, match=r"mode 0644.*slashed; run `chmod 600"):
        BlsKey.keep(tmp_path / "bls.key")
    with pytest.raises(BlsKeyUnusable, match="No such file"):
        BlsKey.open(tmp_path / "absent")


def test_file_of_another_kind_of_key_is_refused(tmp_path):
    (tmp_path / "bls.key").write_bytes(b"QFLM\x01\0\0\0" + bytes(64))
    (tmp_path / "bls.key").chmod(0o600)
    with pytest.raises(BlsKeyUnusable, match="unknown format"):
        BlsKey.open(tmp_path / "bls.key")


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


def test_proof_of_possession_is_no_signature_of_the_key():
    assert not verify(KEYS[0].public, KEYS[0].public, KEYS[0].prove_possession())


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
