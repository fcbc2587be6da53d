"""`Lms`: the library's signatures, and no others.

Lms.verify
├── given a height other than 5, 10, 15, another length, another type, a leaf outside the tree: false
├── given any altered bit, another message, another key: false
├── given a signature of the library: true
└── given too little gas: reverts, whatever the signature
"""

import json
import random
from pathlib import Path

import pytest
from pyhsslms import lmots_sha256_n24_w4, lms_sha256_m24_h5
from pyhsslms.pyhsslms import D_INTR, D_LEAF, H, LmotsPrivateKey, u32

from qfl.crypto.lms import LmsSecret, verify
from qfl.protocol.types import LmsPublicKey

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "lms.json").read_text())
KEYS, LEAVES = 32, 32


@pytest.fixture(scope="module")
def harness(LmsHarness, accounts):
    return accounts[0].deploy(LmsHarness)


@pytest.fixture(scope="module")
def secrets_of_five():
    rng = random.Random("keys")
    return [LmsSecret.derive(5, rng.randbytes(16), rng.randbytes(24)) for _ in range(KEYS)]


@pytest.fixture(scope="module")
def signed(secrets_of_five):
    """For each key, its 32 leaves as (message, signature), with random C so that every digit occurs."""
    rng = random.Random("messages")

    def sign(secret, leaf):
        message = rng.randbytes(32)
        return message, secret.sign_with(leaf, message, rng.randbytes(24))

    return [[sign(secret, leaf) for leaf in range(LEAVES)] for secret in secrets_of_five]


def abi_key(public: LmsPublicKey) -> tuple[str, str, int]:
    return ("0x" + public.identifier.hex(), "0x" + public.root.hex(), public.height)


def check_all(harness, public, pairs) -> list[bool]:
    valid, _ = harness.verifyMany(
        abi_key(public), ["0x" + message.hex() for message, _ in pairs], ["0x" + s.hex() for _, s in pairs]
    )
    return list(valid)


def vector_key(vector) -> LmsPublicKey:
    return LmsPublicKey(bytes.fromhex(vector["identifier"]), bytes.fromhex(vector["root"]), vector["height"])


def test_verify_accepts_the_valid_vectors_of_every_height(harness):
    for vector in VECTORS["valid"]:
        assert harness.verify(abi_key(vector_key(vector)), vector["message"], vector["signature"])
        assert harness.leafOf(vector["signature"]) == vector["leaf"]


def test_verify_refuses_the_invalid_vectors(harness):
    for vector in VECTORS["invalid"]:
        accepted = harness.verify(abi_key(vector_key(vector)), vector["message"], "0x" + vector["signature"])
        assert not accepted, vector["reason"]


def test_verify_accepts_a_thousand_signatures_of_the_library(harness, secrets_of_five, signed):
    for secret, pairs in zip(secrets_of_five, signed, strict=True):
        assert check_all(harness, secret.public, pairs) == [True] * LEAVES


def mutate(rng: random.Random, signature: bytes) -> bytes:
    """Flip one bit of a random field, replace a type or the leaf, or change the length."""
    fields = {"leaf": 0, "C": 8, "first chain": 32, "chains": 56, "checksum chains": 1184, "path": 1260}
    sizes = {"leaf": 4, "C": 24, "first chain": 24, "chains": 1128, "checksum chains": 72, "path": 120}
    kind = rng.choice([*fields, "one-time type", "tree type", "shorter", "longer"])
    if kind in fields:
        bit = rng.randrange(8 * sizes[kind])
        altered = bytearray(signature)
        altered[fields[kind] + bit // 8] ^= 1 << bit % 8
        return bytes(altered)
    if kind == "shorter":
        return signature[: rng.choice([0, 3, 8, 1256, 1260, rng.randrange(1380), 1379])]
    if kind == "longer":
        return signature + rng.randbytes(rng.choice([1, 24, 120]))
    offset, right = (4, 7) if kind == "one-time type" else (1256, 10)
    wrong = rng.choice([value for value in range(16) if value != right] + [right << 8, right + 2**31])
    return signature[:offset] + wrong.to_bytes(4, "big") + signature[offset + 4 :]


def test_verify_refuses_a_thousand_mutations_as_the_library_does(harness, secrets_of_five, signed):
    rng = random.Random("mutations")
    for secret, pairs in zip(secrets_of_five, signed, strict=True):
        mutated = [(message, mutate(rng, signature)) for message, signature in pairs]
        assert not any(verify(secret.public, message, signature) for message, signature in mutated)
        accepted = check_all(harness, secret.public, mutated)
        assert not any(accepted), mutated[accepted.index(True)]


def test_verify_refuses_another_message_and_another_key(harness, secrets_of_five, signed):
    own, other = secrets_of_five[0].public, secrets_of_five[1].public
    swapped = [(message, signed[0][leaf - 1][1]) for leaf, (message, _) in enumerate(signed[0])]
    assert not any(check_all(harness, own, swapped))
    assert not any(check_all(harness, other, signed[0]))
    assert not any(check_all(harness, LmsPublicKey(other.identifier, own.root, 5), signed[0]))
    assert not any(check_all(harness, LmsPublicKey(own.identifier, other.root, 5), signed[0]))


@pytest.mark.parametrize("height", [0, 1, 4, 6, 10, 15, 20, 25, 255])
def test_verify_refuses_another_height(harness, secrets_of_five, signed, height):
    public = secrets_of_five[0].public
    assert not any(check_all(harness, LmsPublicKey(public.identifier, public.root, height), signed[0][:2]))


def test_verify_refuses_a_leaf_outside_the_tree_under_a_root_made_for_it(harness):
    """A key's owner may put any one-time key at leaf 0, one for leaf 32 too: its number would then not be unique."""
    identifier, message, path = bytes(16), b"m" * 32, [bytes([level]) * 24 for level in range(5)]
    outside = LmotsPrivateKey(identifier, u32(32), bytes(24), lmots_sha256_n24_w4)
    node = H("sha256", identifier + u32(32) + D_LEAF + outside.publicKey().K, 24)
    for level, sibling in enumerate(path):
        node = H("sha256", identifier + u32(32 >> (level + 1)) + D_INTR + node + sibling, 24)
    signature = u32(32) + outside.sign(message) + lms_sha256_m24_h5 + b"".join(path)
    assert not any(check_all(harness, LmsPublicKey(identifier, node, 5), [(message, signature)]))


def test_verify_reverts_when_gas_runs_out_and_never_says_invalid(harness, secrets_of_five, signed):
    message, signature = signed[0][0]
    _, (needed,) = harness.verifyMany(abi_key(secrets_of_five[0].public), [message], [signature])
    limits = [*range(0, needed, needed // 150), *range(needed, needed + 20_000, 100)]
    outcomes = [
        outcome
        for i in range(0, len(limits), 50)
        for outcome in harness.outcomesWithGas(
            abi_key(secrets_of_five[0].public), message, signature, limits[i : i + 50]
        )
    ]
    # First too little gas, then enough; never 0.
    assert set(outcomes) == {1, 2}
    assert outcomes == sorted(outcomes, reverse=True)


def test_verify_costs_at_most_95k_gas_for_what_our_signer_signs(harness):
    secret = LmsSecret.derive(10, bytes(16), bytes(24))
    rng = random.Random("gas")
    pairs = [(message, secret.sign(leaf, message)) for leaf, message in enumerate(rng.randbytes(32) for _ in range(60))]
    valid, gas = harness.verifyMany(abi_key(secret.public), [m for m, _ in pairs], [s for _, s in pairs])
    assert all(valid)
    assert max(gas) <= 95_000


def test_leaf_of_reads_the_first_four_bytes(harness):
    assert harness.leafOf("0x01020304ff") == 0x01020304
    assert harness.leafOf("0x0102") == 0x01020000
