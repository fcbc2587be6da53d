"""The file that keeps a validator's ML-KEM-768 key: clients of the private mode encrypt their updates to it.

Version 1: magic "QFLM" | version u8 | zeros [3] | FIPS 203 seed d | z [64] | sha-256 of all that [32]
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey

from qfl.errors import KemKeyUnusable
from qfl.files import create_private, is_private

_HEADER = b"QFLM\x01\0\0\0"
_SEED_BYTES = 64
_FILE_BYTES = len(_HEADER) + _SEED_BYTES + 32
RESTORE = "restore it; without it, updates sealed to this seat stay unread"


class KemKey:
    """A decryption key, and the public key that belongs to it."""

    def __init__(self, seed: bytes) -> None:
        """From 64 bytes of `seed`."""
        self._private = MLKEM768PrivateKey.from_seed_bytes(seed)
        self.public = self._private.public_key().public_bytes_raw()

    @property
    def digest(self) -> bytes:
        """sha-256 of the public key (1,184 bytes): what the chain keeps of it, and its name on IPFS."""
        return hashlib.sha256(self.public).digest()

    @classmethod
    def create(cls, path: Path) -> KemKey:
        """Make a key in a new file of mode 0600. Raises `KemKeyUnusable` when the file exists."""
        key = os.urandom(_SEED_BYTES)
        body = _HEADER + key
        try:
            create_private(path, body + hashlib.sha256(body).digest())
        except FileExistsError:
            raise KemKeyUnusable(path, "it exists already", "a key is never overwritten; choose another name") from None
        return cls(key)

    @classmethod
    def open(cls, path: Path) -> KemKey:
        """Read a key. Raises `KemKeyUnusable`: missing, readable by others, or damaged."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise KemKeyUnusable(path, error.strerror or str(error), "pass a validator's kem.key") from error
        try:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise KemKeyUnusable(path, "not a regular file", RESTORE)
            if not is_private(descriptor):
                shown = f"mode {stat.S_IMODE(mode):04o}"
                raise KemKeyUnusable(path, shown, f"others could read every update; run `chmod 600 {path}`")
            data = os.read(descriptor, _FILE_BYTES + 1)
        finally:
            os.close(descriptor)
        if len(data) != _FILE_BYTES or not data.startswith(_HEADER):
            raise KemKeyUnusable(path, "unknown format", RESTORE)
        body, check = data[:-32], data[-32:]
        if hashlib.sha256(body).digest() != check:
            raise KemKeyUnusable(path, "its bytes do not match their checksum", RESTORE)
        return cls(body[len(_HEADER) :])

    @classmethod
    def keep(cls, path: Path) -> KemKey:
        """The key in `path`, made if there is none. Raises as `open`."""
        return cls.open(path) if path.exists() else cls.create(path)

    def decapsulate(self, ciphertext: bytes) -> bytes:
        """The shared secret (32 bytes) in 1,088 bytes; for a ciphertext that was not made for this key, noise."""
        return self._private.decapsulate(ciphertext)
