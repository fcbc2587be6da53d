"""`Bls`: hashing to the curve by RFC 9380, and signatures as the libraries make them.

Bls.hashToG2
├── given the RFC's messages: its points
└── given any message and tag: the reference's point
Bls.verify
├── given infinity as key: false, whatever the signature
├── given another message, key or signature in the group: false
├── given a point off the curve, outside the group, or not reduced: reverts
├── given a signature of either library: true
└── given too little gas: reverts, whatever the signature
"""

import random
from hashlib import sha256

import pytest
from brownie.exceptions import VirtualMachineError
from py_ecc.bls import G2MessageAugmentation, G2ProofOfPossession
from py_ecc.bls.hash import hkdf_expand, hkdf_extract
from py_ecc.bls.hash_to_curve import hash_to_G2
from py_ecc.optimized_bls12_381 import curve_order, normalize

from qfl.crypto.bls import BlsKey
from qfl.crypto.bls_points import FIELD, compressed_key, full_key, full_signature

RFC_TAG = b"QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_"
# RFC 9380 appendix J.10.1: messages, and the points they hash to, compressed.
RFC_VECTORS = [
    (
        b"",
        "a5cb8437535e20ecffaef7752baddf98034139c38452458baeefab379ba13dff5bf5dd71b72418717047f5b0f37da03d"
        "0141ebfbdca40eb85b87142e130ab689c673cf60f1a3e98d69335266f30d9b8d4ac44c1038e9dcdd5393faf5c41fb78a",
    ),
    (
        b"abc",
        "939cddbccdc5e91b9623efd38c49f81a6f83f175e80b06fc374de9eb4b41dfe4ca3a230ed250fbe3a2acf73a41177fd8"
        "02c2d18e033b960562aae3cab37a27ce00d80ccd5ba4b7fe0e7a210245129dbec7780ccc7954725f4168aff2787776e6",
    ),
    (
        b"abcdef0123456789",
        "990d119345b94fbd15497bcba94ecf7db2cbfd1e1fe7da034d26cbba169fb3968288b3fafb265f9ebd380512a71c3f2c"
        "121982811d2491fde9ba7ed31ef9ca474f0e1501297f68c298e9f4c0028add35aea8bb83d53c08cfc007c1e005723cd0",
    ),
    (
        b"q128_" + b"q" * 128,
        "8934aba516a52d8ae479939a91998299c76d39cc0c035cd18813bec433f587e2d7a4fef038260eef0cef4d02aae3eb91"
        "19a84dd7248a1066f737cc34502ee5555bd3c19f2ecdb3c7d9e24dc65d4e25e50d83f0f77105e955d78f4762d33c17da",
    ),
    (
        b"a512_" + b"a" * 512,
        "91fca2ff525572795a801eed17eb12785887c7b63fb77a42be46ce4a34131d71f7a73e95fee3f812aea3de78b4d01569"
        "01a6ba2f9a11fa5598b2d8ace0fbe0a0eacb65deceb476fbbcb64fd24557c2f4b18ecfc5663e54ae16a84f5ab7f62534",
    ),
]
MESSAGE = sha256(b"a checkpoint").digest()
OFF_CURVE = (1).to_bytes(48) + (1).to_bytes(48)
# With x = 4 there is a point on the curve, but not in the group.
OUTSIDE_GROUP = full_key(bytes([0x80]) + (4).to_bytes(47))


@pytest.fixture(scope="module")
def harness(BlsHarness, accounts):
    return accounts[0].deploy(BlsHarness)


@pytest.fixture(scope="module")
def signer():
    return BlsKey(bytes(32))


@pytest.fixture(scope="module")
def key(signer):
    return full_key(signer.public)


@pytest.fixture(scope="module")
def signature(signer):
    return full_signature(signer.sign(MESSAGE))


def key_generated_from(seed: bytes) -> int:
    """`KeyGen` of draft-irtf-cfrg-bls-signature-02, section 2.3, which `blspy` follows."""
    pseudorandom = hkdf_extract(b"BLS-SIG-KEYGEN-SALT-", seed + b"\0")
    return int.from_bytes(hkdf_expand(pseudorandom, (48).to_bytes(2), 48)) % curve_order


def in_full(words) -> bytes:
    """The harness's point, 16 + 32 bytes an element."""
    return b"".join(
        int(high).to_bytes(16) + int(low).to_bytes(32) for high, low in zip(*[iter(words)] * 2, strict=True)
    )


@pytest.mark.parametrize(("message", "point"), RFC_VECTORS, ids=[str(len(message)) for message, _ in RFC_VECTORS])
def test_hash_is_that_of_the_rfc(harness, message, point):
    assert in_full(harness.hashToG2(message, RFC_TAG)) == full_signature(bytes.fromhex(point))


def test_hash_is_the_references(harness):
    rng = random.Random("messages")
    for length in (32, 48):
        message, tag = rng.randbytes(length), rng.randbytes(43)
        expected = normalize(hash_to_G2(message, tag, sha256))
        coordinates = [int(coefficient) for element in expected for coefficient in element.coeffs]
        assert in_full(harness.hashToG2(message, tag)) == b"".join(value.to_bytes(48) for value in coordinates)


def test_signatures_of_either_library_are_valid(harness, signer, key, signature):
    """Both sign alike, byte for byte, and the contract accepts what they make."""
    secret = key_generated_from(bytes(32))
    assert G2ProofOfPossession.SkToPk(secret) == signer.public
    assert G2ProofOfPossession.Sign(secret, MESSAGE) == signer.sign(MESSAGE)
    assert G2MessageAugmentation.Sign(secret, MESSAGE) == signer.prove_possession(MESSAGE)
    assert harness.verify(key, MESSAGE, signature)


@pytest.mark.parametrize("changed", ["message", "key", "signature"])
def test_verify_is_false_for_anything_else(harness, signer, key, signature, changed):
    other = BlsKey(bytes([1] * 32))
    arguments = {"key": key, "message": MESSAGE, "signature": signature}
    arguments[changed] = {
        "key": full_key(other.public),
        "message": sha256(b"another").digest(),
        "signature": full_signature(other.sign(MESSAGE)),
    }[changed]
    assert not harness.verify(*arguments.values())


def test_possession_does_not_pass_for_a_signature(harness, signer, key):
    """The tags differ: a proof of possession is no signature of the message with the key in front, nor without it."""
    proof = full_signature(signer.prove_possession(MESSAGE))
    for message in (MESSAGE, signer.public + MESSAGE):
        assert not harness.verify(key, message, proof)


@pytest.mark.parametrize("given", ["valid", "infinity"])
def test_verify_is_false_under_infinity(harness, signature, given):
    """Under the key zero, infinity would "sign" every message."""
    assert not harness.verify(bytes(96), MESSAGE, signature if given == "valid" else bytes(192))


def test_verify_is_false_for_infinity_as_signature(harness, key):
    assert not harness.verify(key, MESSAGE, bytes(192))


@pytest.mark.parametrize("point", [OFF_CURVE, OUTSIDE_GROUP], ids=["off the curve", "outside the group"])
def test_verify_reverts_for_no_point_of_the_group(harness, signature, point):
    with pytest.raises(VirtualMachineError, match="PrecompileFailed: 15"):
        harness.verify(point, MESSAGE, signature)


def test_verify_reverts_for_a_coordinate_that_is_not_reduced(harness, key, signature):
    """x and x + p would be one point with two encodings."""
    x = int.from_bytes(key[:48]) + FIELD
    assert x < 2**384
    with pytest.raises(VirtualMachineError, match="PrecompileFailed: 15"):
        harness.verify(x.to_bytes(48) + key[48:], MESSAGE, signature)


def test_too_little_gas_is_no_answer(harness, key, signature):
    limits = [*range(5_000, 200_000, 3_000), 1_000_000]
    outcomes = list(harness.outcomesWithGas(key, MESSAGE, signature, limits))
    assert outcomes[-1] == 1
    assert set(outcomes) == {1, 2}


def test_keys_are_compressed_as_the_libraries_do(harness):
    """Both signs of y occur among these."""
    flags = set()
    for seed in range(8):
        public = BlsKey(bytes([seed] * 32)).public
        assert bytes(harness.compress(full_key(public))) == compressed_key(full_key(public)) == public
        flags.add(public[0] & 0x20)
    assert flags == {0, 0x20}
