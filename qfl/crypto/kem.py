"""The file that keeps a validator's ML-KEM-768 key: clients of the private mode encrypt their updates to it.

Version 1: magic "QFLM" | version u8 | zeros [3] | FIPS 203 seed d | z [64] | sha-256 of all that [32]
"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey

from qfl.crypto.seedfile import SeedKey
from qfl.errors import KemKeyUnusable


class KemKey(SeedKey):
    """A decryption key, and the public key that belongs to it."""

    header = b"QFLM\x01\0\0\0"
    seed_bytes = 64
    unusable = KemKeyUnusable
    danger = "others could read every update"
    absent = "pass a validator's kem.key"
    damaged = "restore it; without it, updates sealed to this seat stay unread"

    def __init__(self, seed: bytes) -> None:
        """From 64 bytes of `seed`."""
        self._private = MLKEM768PrivateKey.from_seed_bytes(seed)
        self.public = self._private.public_key().public_bytes_raw()

    @property
    def digest(self) -> bytes:
        """sha-256 of the public key (1,184 bytes): what the chain keeps of it, and its name on IPFS."""
        return hashlib.sha256(self.public).digest()

    def decapsulate(self, ciphertext: bytes) -> bytes:
        """The shared secret (32 bytes) in 1,088 bytes; for a ciphertext that was not made for this key, noise."""
        return self._private.decapsulate(ciphertext)
