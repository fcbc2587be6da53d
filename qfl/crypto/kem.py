"""ML-KEM-768 (FIPS 203): the file that keeps a validator's key, and encapsulation with a chosen message.

Clients of the private mode encrypt their updates to these keys. The file, version 1:

    magic "QFLM" | version u8 | zeros [3] | seed d | z [64] | sha-256 of all that [32]

`cryptography`, which makes the keys and decapsulates, encapsulates with fresh randomness only. Here whoever opens a
sealed object must be able to compute again what was sent to the *other* seats (`qfl/crypto/sealed.py` says why), so
the message is an argument (`Encaps_internal`, section 6.2). `kyber-py` has that. It is not hardened against side
channels; nothing long-lived passes through it, only an object's seed, on the machine of who made it or may read it.
"""

import hashlib

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from kyber_py.ml_kem import ML_KEM_768

from qfl.crypto.seedfile import SeedKey
from qfl.errors import InvalidInput, KemKeyUnusable

PUBLIC_KEY_BYTES, CIPHERTEXT_BYTES = 1184, 1088
MESSAGE_BYTES = 32


class KemKey(SeedKey):
    """A decryption key, and the public key that belongs to it."""

    header = b"QFLM\x01\0\0\0"
    seed_bytes = 64
    unusable = KemKeyUnusable
    danger = "others could read every update"
    absent = "pass a validator's kem.key"
    damaged = "restore it; without it, updates sealed to this seat stay unread"

    def __init__(self, seed: bytes) -> None:
        self._private = MLKEM768PrivateKey.from_seed_bytes(seed)
        self.public = self._private.public_key().public_bytes_raw()

    @property
    def digest(self) -> bytes:
        """sha-256 of the public key (1,184 bytes): what the chain keeps of it, and its name on IPFS."""
        return hashlib.sha256(self.public).digest()

    def decapsulate(self, ciphertext: bytes) -> bytes:
        """The shared secret (32 bytes) in 1,088 bytes; for a ciphertext that was not made for this key, noise."""
        return self._private.decapsulate(ciphertext)


def encapsulate(public: bytes, message: bytes) -> tuple[bytes, bytes]:
    """Shared secret (32 bytes), ciphertext (1,088) for `public` (1,184) from `message` (32). Raises InvalidInput."""
    if len(message) != MESSAGE_BYTES:
        raise InvalidInput("message", message, f"a message has {MESSAGE_BYTES} bytes")
    secret, ciphertext = ML_KEM_768._encaps_internal(require_public_key(public), message)
    return bytes(secret), bytes(ciphertext)


def require_public_key(public: bytes) -> bytes:
    """`public`, if it is a public key of ML-KEM-768 (section 7.2). Raises `InvalidInput`."""
    try:
        MLKEM768PublicKey.from_public_bytes(public)
    except ValueError as error:
        raise InvalidInput("public key", public[:8].hex(), str(error)) from error
    return public
