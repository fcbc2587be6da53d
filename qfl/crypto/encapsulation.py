"""ML-KEM-768 encapsulation with a chosen message: `ML-KEM.Encaps_internal` of FIPS 203, section 6.2.

`cryptography`, which makes the keys and decapsulates, encapsulates with fresh randomness only. Here whoever opens a
sealed object must be able to compute again what was sent to the *other* seats (`qfl/crypto/sealed.py` says why), so
the message is an argument. `kyber-py` has that. It is not hardened against side channels; nothing long-lived passes
through it, only an object's seed, on the machine of who made it or may read it.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from kyber_py.ml_kem import ML_KEM_768

from qfl.errors import InvalidInput

PUBLIC_KEY_BYTES, CIPHERTEXT_BYTES = 1184, 1088
MESSAGE_BYTES = 32


def encapsulate(public: bytes, message: bytes) -> tuple[bytes, bytes]:
    """The shared secret (32 bytes) and ciphertext (1,088 bytes) for `public` (1,184 bytes) from 32 bytes `message`.

    Raises:
        InvalidInput: no public key of ML-KEM-768.
    """
    if len(message) != MESSAGE_BYTES:
        raise InvalidInput("message", message, f"a message has {MESSAGE_BYTES} bytes")
    secret, ciphertext = ML_KEM_768._encaps_internal(require_public_key(public), message)
    return bytes(secret), bytes(ciphertext)


def require_public_key(public: bytes) -> bytes:
    """`public`, if it is a public key of ML-KEM-768 (FIPS 203, section 7.2). Raises `InvalidInput`."""
    try:
        MLKEM768PublicKey.from_public_bytes(public)
    except ValueError as error:
        raise InvalidInput("public key", public[:8].hex(), str(error)) from error
    return public
