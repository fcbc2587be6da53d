"""BLS signatures over BLS12-381: keys in G1, signatures in G2, many signatures of one message as short as one.

draft-irtf-cfrg-bls-signature, ciphersuite BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_. The library `blspy` does the
cryptography; `contracts/libraries/Bls.sol` verifies the same on chain. Not post-quantum:
docs/results/consensus.md says what that means. Without state: signing the same message again gives the same signature.
"""

from collections.abc import Iterable, Mapping, Sequence

from blspy import AugSchemeMPL, G1Element, G2Element, PopSchemeMPL

from qfl.crypto.bls_points import KEY_BYTES, SIGNATURE_BYTES
from qfl.crypto.seedfile import SeedKey
from qfl.errors import BlsKeyUnusable


class BlsKey(SeedKey):
    """A secret key. `public` is its public key, 48 bytes."""

    header = b"QFLB\x01\0\0\0"
    seed_bytes = 32
    unusable = BlsKeyUnusable
    danger = "others could attest in your name, and have you slashed"
    absent = "pass a validator's bls.key"
    damaged = "restore it, or remove it: the next start then registers a new key"

    def __init__(self, seed: bytes) -> None:
        """From 32 bytes of `seed`, by `KeyGen` of the draft's version 2."""
        self._secret = PopSchemeMPL.key_gen(seed)
        self.public = bytes(self._secret.get_g1())

    def sign(self, message: bytes) -> bytes:
        """The signature of `message`, 96 bytes."""
        return bytes(PopSchemeMPL.sign(self._secret, message))

    def prove_possession(self, registration: bytes) -> bytes:
        """The draft's message augmentation: a signature of public key and `registration` under another tag, 96 bytes.

        Without it, somebody could name the difference of other keys as his own, and sign alone for all of them.
        `registration` says whose the key is to be, so that a copy is of no use.
        """
        return bytes(AugSchemeMPL.sign(self._secret, registration))


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` signs `message` under `public`; False for anything malformed, or outside its group."""
    return verify_aggregate([public], message, signature)


def verify_aggregate(publics: Sequence[bytes], message: bytes, signature: bytes) -> bool:
    """Whether all of `publics` (proven to be possessed) signed `message`: the draft's `FastAggregateVerify`."""
    if len(signature) != SIGNATURE_BYTES or any(len(public) != KEY_BYTES for public in publics):
        return False
    try:
        keys = [G1Element.from_bytes(public) for public in publics]
        return bool(PopSchemeMPL.fast_aggregate_verify(keys, message, G2Element.from_bytes(signature)))
    except ValueError:  # no point of the group
        return False


def verify_together(signatures: Mapping[bytes, bytes], message: bytes) -> bool:
    """Whether the sum of `signatures`, each by its public key, is what these keys together sign `message` with.

    One pairing for all of them. It can be true for signatures none of which is valid by itself; only their sum is of
    use then, and their owners did sign.
    """
    try:
        return verify_aggregate(list(signatures), message, aggregate(signatures.values()))
    except ValueError:
        return False


def aggregate(signatures: Iterable[bytes]) -> bytes:
    """The sum of signatures, 96 bytes. Raises `ValueError` for what is no point of the group."""
    return bytes(PopSchemeMPL.aggregate([G2Element.from_bytes(signature) for signature in signatures]))
