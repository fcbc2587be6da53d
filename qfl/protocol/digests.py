"""The EIP-712 digests that LMS keys sign: the Python side of `contracts/libraries/Digest.sol`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from eth_abi.abi import encode
from eth_utils.address import to_canonical_address
from eth_utils.crypto import keccak

from qfl.protocol.types import Checkpoint, LmsPublicKey, MirrorMessage, Reveal

_DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_COMMIT = "Commit(uint64 round,uint32 client,bytes32 baseRoot,bytes32 commitment)"
_CHECKPOINT = (
    "Checkpoint(uint64 round,uint16 shard,uint8 turn,uint16 count,bytes32 baseRoot,uint256 included,"
    "bytes32 updatesRoot,bytes32 aggregateRoot,bytes32 contentDigest,bytes32 revealsHash,bytes32 parametersHash,"
    "bytes32 modelRoot,bytes32 modelDigest)"
)
_PUBLICATION = (
    "Publication(uint64 round,uint32 validator,bytes32 modelRoot,bytes32 contentDigest,bytes32 scoresDigest,"
    "bytes32 checkpointsHash)"
)
NO_SCORES = bytes(32)
"""What a publication says of its model's scores: nothing. The beacon refuses anything else."""
_ATTESTATION = "Attestation(bytes32 digest,uint32 validator,uint8 seat)"
_EXIT = "Exit(uint32 participant,uint32 nonce)"
_ROTATION = "Rotation(uint32 participant,bytes16 identifier,bytes24 root,uint8 height,uint32 nonce)"
_ENCRYPTION_KEY = "EncryptionKey(uint32 participant,bytes32 keyDigest,uint32 nonce)"
_ANCHOR = "Anchor(uint32 participant,bytes28 anchor,uint32 firstRound,uint32 nonce)"
_WITHDRAWAL = "Withdrawal(uint32 participant,address withdrawal,uint32 nonce)"
_LMS_KEY = "LmsKey(bytes16 identifier,bytes24 root,uint8 height)"
_MIRROR_SEAT = "MirrorSeat(uint32 validator,LmsKey key)"
_MIRRORED_ROUND = (
    "MirroredRound(uint64 round,uint64 previous,uint16 shard,uint16 shards,uint8 seats,uint8 laneBits,"
    "uint32 turnSeconds,uint40 commitEndsAt,uint40 revealEndsAt,uint40 checkpointEndsAt,uint64 normBound,"
    "uint32 clientCount,bytes32 seed,bytes32 baseRoot,bytes32 clientsRoot)"
)
_MIRROR_MESSAGE = "MirrorMessage(MirroredRound round,uint32[] revoked,MirrorSeat[] committee)"


@dataclass(frozen=True)
class Domain:
    """What a signature is for: one contract on one chain (EIP-712 `eip712Domain`)."""

    chain_id: int
    contract: str

    def commit(self, round_number: int, client: int, base_root: bytes, commitment: bytes) -> bytes:
        """Digest of a client's commitment; the domain is the shard."""
        return self.digest(_COMMIT, round_number, client, base_root, commitment)

    def keyed(self, base_root: bytes, commitment: bytes) -> bytes:
        """The commitment by key: what `Shard.commitByKey` takes, in place of a signature, of `compute_commitment`.

        The salt in that is the key (`as_salt`); the domain is the shard.
        """
        types = ["uint256", "address", "bytes32", "bytes32"]
        return keccak(encode(types, [self.chain_id, to_canonical_address(self.contract), base_root, commitment]))

    def checkpoint(self, checkpoint: Checkpoint) -> bytes:
        """Digest of a checkpoint; the domain is the beacon. A seat signs `seat_digest` of it."""
        return self.digest(_CHECKPOINT, *vars(checkpoint).values())

    def publication(
        self, round_number: int, validator: int, *, model_root: bytes, content_digest: bytes, checkpoints: bytes
    ) -> bytes:
        """Digest of a published model that follows from the checkpoints with this running hash (`checkpoints_hash`).

        The domain is the beacon.
        """
        model = model_root, content_digest, NO_SCORES
        return self.digest(_PUBLICATION, round_number, validator, *model, checkpoints)

    def exit(self, participant: int, nonce: int) -> bytes:
        """Digest of an exit; the domain is the staking contract."""
        return self.digest(_EXIT, participant, nonce)

    def rotation(self, participant: int, key: LmsPublicKey, nonce: int) -> bytes:
        """Digest of a key rotation; the domain is the staking contract."""
        return self.digest(_ROTATION, participant, key.identifier, key.root, key.height, nonce)

    def encryption_key(self, validator: int, key_digest: bytes, nonce: int) -> bytes:
        """Digest of a validator's choice of encryption key; the domain is the staking contract."""
        return self.digest(_ENCRYPTION_KEY, validator, key_digest, nonce)

    def anchor(self, participant: int, anchor: bytes, nonce: int, first_round: int = 0) -> bytes:
        """Digest of the change to another hash chain; the domain is the staking contract.

        `first_round` is of a client's; a validator's has none.
        """
        return self.digest(_ANCHOR, participant, anchor, first_round, nonce)

    def withdrawal(self, participant: int, withdrawal: str, nonce: int) -> bytes:
        """Digest of a change of the withdrawal address; the domain is the staking contract."""
        return self.digest(_WITHDRAWAL, participant, withdrawal, nonce)

    def mirror_message(self, message: MirrorMessage) -> bytes:
        """Digest of what hands a mirror over to the next round; the domain is the mirror.

        A seat signs its `seat_digest`. Members that are structs or lists go in as their hashes; the types of structs
        follow in their names' order.
        """
        seat_type = _MIRROR_SEAT + _LMS_KEY
        seats = [
            _struct_hash(
                _MIRROR_SEAT,
                *(seat.validator, _struct_hash(_LMS_KEY, seat.key.identifier, seat.key.root, seat.key.height)),
                named=seat_type,
            )
            for seat in message.committee
        ]
        return self._in_domain(
            _struct_hash(
                _MIRROR_MESSAGE,
                _struct_hash(_MIRRORED_ROUND, *vars(message.round).values()),
                keccak(b"".join(client.to_bytes(32) for client in message.revoked)),
                keccak(b"".join(seats)),
                named=_MIRROR_MESSAGE + _LMS_KEY + _MIRROR_SEAT + _MIRRORED_ROUND,
            )
        )

    def digest(self, message_type: str, *values: object) -> bytes:
        """Digest of any message, by its EIP-712 type: a quorum scheme may have one of its own."""
        return self._in_domain(_struct_hash(message_type, *values))

    def _in_domain(self, struct: bytes) -> bytes:
        types = ["bytes32", "bytes32", "bytes32", "uint256", "address"]
        named = (keccak(text=text) for text in (_DOMAIN, "QFLchain", "2"))
        separator = keccak(encode(types, [*named, self.chain_id, to_canonical_address(self.contract)]))
        return keccak(b"\x19\x01" + separator + struct)


def reveals_hash(reveals: Iterable[Reveal]) -> bytes:
    """What `Shard.revealsHash` is after these reveals: all of the round's, by number."""
    return _reveals_hash(tuple(reveals))


@lru_cache(maxsize=64)
def _reveals_hash(reveals: tuple[Reveal, ...]) -> bytes:
    """Kept, as it is asked for again whenever something may be signed."""
    found = bytes(32)
    for reveal in reveals:
        words = found, reveal.client.to_bytes(32), reveal.update_root, reveal.content_digest
        found = keccak(b"".join(words))[:28] + bytes(4)
    return found


def parameters_hash(parameters: Mapping[str, int]) -> bytes:
    """What a checkpoint names of a round's parameters: every field of `RoundParameters`, in its order."""
    return keccak(encode(["uint256"] * len(parameters), list(parameters.values())))


def checkpoints_hash(digests: Iterable[bytes]) -> bytes:
    """What `Round.checkpointsHash` of IBeacon.sol is after checkpoints with these digests, as they were accepted."""
    found = bytes(32)
    for digest in digests:
        found = keccak(found + digest)
    return found


def seat_digest(digest: bytes, validator: int, seat: int) -> bytes:
    """What one seat signs of what its committee attests: a key that somebody else bonded says nothing for him."""
    return _struct_hash(_ATTESTATION, digest, validator, seat)


def _struct_hash(message_type: str, *values: object, named: str | None = None) -> bytes:
    """EIP-712 `hashStruct`. `named` is the full type, where `message_type` refers to others."""
    members = [member.split()[0] for member in message_type[message_type.index("(") + 1 : -1].split(",")]
    types = [member if member[0].islower() and not member.endswith("]") else "bytes32" for member in members]
    return keccak(encode(["bytes32", *types], [keccak(text=named or message_type), *values]))


def as_salt(key: bytes) -> bytes:
    """The salt of a commitment that a key opens."""
    return key.ljust(32, b"\0")


def signed_slot(commitment: bytes) -> bytes:
    """What `Shard.updateOf` holds after `Shard.commit`."""
    return (int.from_bytes(commitment) & ~0b11).to_bytes(32)


def keyed_slot(commitment: bytes, token: bytes) -> bytes:
    """What `Shard.updateOf` holds after `Shard.commitByKey`."""
    slot = int.from_bytes(keccak(encode(["bytes32", "bytes28"], [commitment, token])))
    return (slot & ~0b11 | 0b10).to_bytes(32)


def compute_commitment(
    round_number: int,
    client: int,
    update_root: bytes,
    content_digest: bytes,
    salt: bytes,
    vector_commitment: int | None = None,
) -> bytes:
    """The commitment that `Shard.reveal` opens; bound to the client, so a copied one cannot be opened.

    The one that `Shard.revealPrivate` opens names the Poseidon commitment to the lanes too (`vector_commitment`):
    whoever carries the reveal cannot put in another, with a proof for that one.
    """
    types = ["uint64", "uint32", "bytes32", "bytes32", "bytes32"]
    values: list[object] = [round_number, client, update_root, content_digest, salt]
    if vector_commitment is not None:
        types, values = [*types, "uint256"], [*values, vector_commitment]
    return keccak(encode(types, values))
