"""LMS signatures: LMS_SHA256_M24_H{5,10,15} with LMOTS_SHA256_N24_W4 (RFC 8554, NIST SP 800-208, RFC 9858).

The library `pyhsslms` does the cryptography; `contracts/libraries/Lms.sol` verifies the same on chain. A leaf
signs once: two messages under one leaf give forgers enough to sign a third. `LmsSecret` does not count
leaves, `KeyFile` does.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from hashlib import sha256

import pyhsslms
from pyhsslms.pyhsslms import D_MESG, D_PRG, H, LmotsSignature, checksum, coef, u8, u16, u32

from qfl.errors import InvalidInput
from qfl.protocol.types import LmsPublicKey

HEIGHTS = (5, 10, 15)
"""Supported tree heights: a key of height h signs 2^h times."""
HASH_BYTES = 24
IDENTIFIER_BYTES = 16

_CHAINS, _DIGIT_BITS, _CHECKSUM_SHIFT = 51, 4, 4
_OTS_TYPE = pyhsslms.lmots_sha256_n24_w4
_LMS_TYPES = {5: pyhsslms.lms_sha256_m24_h5, 10: pyhsslms.lms_sha256_m24_h10, 15: pyhsslms.lms_sha256_m24_h15}
_LMS_TYPE_OFFSET = 8 + HASH_BYTES * (1 + _CHAINS)
_RANDOMIZER_TRIES = 2048
_COUNTER_BYTES = 4
_STEPS = [u8(step) for step in range(2**_DIGIT_BITS)]
_NIBBLE_SUMS = bytes((byte >> 4) + (byte & 15) for byte in range(256))


def verify(public: LmsPublicKey, message: bytes, signature: bytes) -> bool:
    """Whether `signature` signs `message` under `public`; False for anything malformed."""
    if public.height not in HEIGHTS or len(signature) != signature_bytes(public.height):
        return False
    lms_type = _LMS_TYPES[public.height]
    if signature[4:8] != _OTS_TYPE or signature[_LMS_TYPE_OFFSET : _LMS_TYPE_OFFSET + 4] != lms_type:
        return False
    if leaf_of(signature) >= 2**public.height:
        return False
    key = pyhsslms.LmsPublicKey(public.identifier, public.root, lms_type, _OTS_TYPE)
    return bool(key.verify(message, signature))


def leaf_of(signature: bytes) -> int:
    """The leaf `q` that `signature` claims to use."""
    return int.from_bytes(signature[:4], "big")


def signature_bytes(height: int) -> int:
    """Length of a signature: 1,380, 1,500 or 1,620 bytes."""
    return _LMS_TYPE_OFFSET + 4 + HASH_BYTES * height


@dataclass(frozen=True)
class LmsSecret:
    """A secret key; `nodes` is its tree, `T[1] .. T[2^(h+1) - 1]`, kept as it takes long to compute."""

    identifier: bytes
    seed: bytes = field(repr=False)
    height: int
    nodes: bytes = field(repr=False)

    @classmethod
    def generate(cls, height: int) -> LmsSecret:
        """A new key, in 0.05 s, 1.4 s or 45 s for heights 5, 10, 15. Raises `InvalidInput` for any other."""
        return cls.derive(height, secrets.token_bytes(IDENTIFIER_BYTES), secrets.token_bytes(HASH_BYTES))

    @classmethod
    def derive(cls, height: int, identifier: bytes, seed: bytes) -> LmsSecret:
        """The key of this identifier and seed: SP 800-208 appendix A's pseudorandom key generation."""
        if height not in HEIGHTS:
            raise InvalidInput("height", height, f"LMS trees here have height {HEIGHTS}")
        private = pyhsslms.LmsPrivateKey(_LMS_TYPES[height], _OTS_TYPE, SEED=seed, I=identifier)
        # A path begins with its node's sibling, so that node r heads the path of node r ^ 1.
        below_root = (private.path(node ^ 1)[0] for node in range(2, 2 ** (height + 1)))
        return cls(identifier, seed, height, b"".join([private.publicKey().K, *below_root]))

    @property
    def public(self) -> LmsPublicKey:
        """The public key."""
        return LmsPublicKey(self.identifier, self._node(1), self.height)

    def sign(self, leaf: int, message: bytes) -> bytes:
        """The signature of `message` with `leaf`, which must never have signed anything else.

        Of 2,048 C, the one whose message hash costs a verifier the fewest steps: about 105 of 390 less.
        That is safe: C stays unpredictable (160 random bits and the best of 2,048 counters behind them),
        still only one message is signed, and the checksum guards digits of any sum.
        """
        start = secrets.token_bytes(HASH_BYTES - _COUNTER_BYTES)
        hashed = sha256(self.identifier + u32(leaf) + D_MESG + start)
        most, best = -1, b""
        for count in range(_RANDOMIZER_TRIES):
            counter = count.to_bytes(_COUNTER_BYTES, "big")
            trial = hashed.copy()
            trial.update(counter + message)
            # What the nibbles sum to is what the verifier need not step; the checksum's digits change little.
            saved = sum(trial.digest()[:HASH_BYTES].translate(_NIBBLE_SUMS))
            if saved > most:
                most, best = saved, counter
        return self.sign_with(leaf, message, start + best)

    def sign_with(self, leaf: int, message: bytes, randomizer: bytes) -> bytes:
        """The signature of `message` with `leaf` and this C (24 bytes): for reproducible test vectors."""
        prefix = self.identifier + u32(leaf)
        chains = []
        for i, digit in enumerate(_digits(_message_hash(prefix, randomizer, message))):
            head = prefix + u16(i)
            value = sha256(head + D_PRG + self.seed).digest()[:HASH_BYTES]
            for j in range(digit):
                value = sha256(head + _STEPS[j] + value).digest()[:HASH_BYTES]
            chains.append(value)
        ots = LmotsSignature(randomizer, chains, _OTS_TYPE).serialize()
        nodes = ((leaf + 2**self.height) >> level for level in range(self.height))
        path = b"".join(self._node(node ^ 1) for node in nodes)
        return bytes(u32(leaf) + ots + _LMS_TYPES[self.height] + path)

    def _node(self, number: int) -> bytes:
        return self.nodes[HASH_BYTES * (number - 1) : HASH_BYTES * number]


def _message_hash(prefix: bytes, randomizer: bytes, message: bytes) -> bytes:
    """`Q` of RFC 8554 section 4.5."""
    return bytes(H("sha256", prefix + D_MESG + randomizer + message, HASH_BYTES))


def _digits(message_hash: bytes) -> list[int]:
    value = message_hash + checksum(message_hash, _DIGIT_BITS, _CHECKSUM_SHIFT)
    return [coef(value, i, _DIGIT_BITS) for i in range(_CHAINS)]


def verifier_steps(message_hash: bytes) -> int:
    """Hash calls that the chains of this message hash (24 bytes) cost a verifier: 212 gas each on chain."""
    total = 15 * 2 * HASH_BYTES - sum((byte >> 4) + (byte & 15) for byte in message_hash)
    # The checksum is `total` itself, in three more digits.
    return total + 45 - (total >> 8) - (total >> 4 & 15) - (total & 15)
