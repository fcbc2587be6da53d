"""What keys sign, against an independent implementation of EIP-712; what commitments hash, word by word."""

from dataclasses import astuple, replace

import pytest
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from qfl.protocol.digests import Domain, compute_commitment, parameters_hash, reveals_hash, seat_digest
from qfl.protocol.types import (
    Checkpoint,
    LmsPublicKey,
    MirroredRound,
    MirrorMessage,
    MirrorSeat,
    ParticipantId,
    Reveal,
    RoundNumber,
    ShardIndex,
)

CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
WALLET = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
DOMAIN = Domain(31_337, CONTRACT)
KEY = LmsPublicKey(b"i" * 16, b"r" * 24, 10)
B, C, D, K, M = (letter * 32 for letter in (b"b", b"c", b"d", b"k", b"m"))

TYPES = {
    "Commit": "uint64 round, uint32 client, bytes32 baseRoot, bytes32 commitment",
    "Checkpoint": "uint64 round, uint16 shard, uint8 turn, uint16 count, bytes32 baseRoot, uint256 included, "
    "bytes32 updatesRoot, bytes32 aggregateRoot, bytes32 contentDigest, bytes32 revealsHash, "
    "bytes32 parametersHash, bytes32 modelRoot, bytes32 modelDigest",
    "Publication": "uint64 round, uint32 validator, bytes32 modelRoot, bytes32 contentDigest, bytes32 scoresDigest, "
    "bytes32 checkpointsHash",
    "Exit": "uint32 participant, uint32 nonce",
    "Rotation": "uint32 participant, bytes16 identifier, bytes24 root, uint8 height, uint32 nonce",
    "EncryptionKey": "uint32 participant, bytes32 keyDigest, uint32 nonce",
    "Withdrawal": "uint32 participant, address withdrawal, uint32 nonce",
    "MirrorMessage": "MirroredRound round, uint32[] revoked, MirrorSeat[] committee",
    "MirroredRound": "uint64 round, uint64 previous, uint16 shard, uint16 shards, uint8 seats, uint8 laneBits, "
    "uint32 turnSeconds, uint40 commitEndsAt, uint40 revealEndsAt, uint40 checkpointEndsAt, uint64 normBound, "
    "uint32 clientCount, bytes32 seed, bytes32 baseRoot, bytes32 clientsRoot",
    "MirrorSeat": "uint32 validator, LmsKey key",
    "LmsKey": "bytes16 identifier, bytes24 root, uint8 height",
}
"""The members of each message, as Solidity declares them."""


def members_of(kind):
    """Type and name of each member."""
    return [tuple(member.split()) for member in TYPES[kind].split(", ")]


def named(kind, values):
    """The values of a struct by the names of its members, nested structs included."""
    found = {}
    for (type_, name), value in zip(members_of(kind), values, strict=True):
        if type_.removesuffix("[]") in TYPES:
            inner = type_.removesuffix("[]")
            found[name] = [named(inner, one) for one in value] if type_ != inner else named(inner, value)
        else:
            found[name] = list(value) if isinstance(value, tuple) else value
    return found


def reference(domain, kind, *values):
    """The digest as eth-account computes it."""
    used, structs = [kind], {}
    for struct in used:
        structs[struct] = [{"name": name, "type": type_} for type_, name in members_of(struct)]
        used += [inner for type_, _ in members_of(struct) if (inner := type_.removesuffix("[]")) in TYPES]
    where = {"name": "QFLchain", "version": "2", "chainId": domain.chain_id, "verifyingContract": domain.contract}
    typed = encode_typed_data(domain_data=where, message_types=structs, message_data=named(kind, values))
    return keccak(b"\x19" + typed.version + typed.header + typed.body)


@pytest.mark.parametrize(
    ("digest", "kind", "values"),
    [
        (DOMAIN.commit(3, 9, B, C), "Commit", (3, 9, B, C)),
        (
            DOMAIN.publication(3, 7, model_root=M, content_digest=D, checkpoints=C),
            "Publication",
            (3, 7, M, D, bytes(32), C),
        ),
        (DOMAIN.exit(4, 1), "Exit", (4, 1)),
        (DOMAIN.rotation(4, KEY, 1), "Rotation", (4, *astuple(KEY), 1)),
        (DOMAIN.encryption_key(4, K, 1), "EncryptionKey", (4, K, 1)),
        (DOMAIN.withdrawal(4, WALLET, 1), "Withdrawal", (4, WALLET, 1)),
        (DOMAIN.withdrawal(4, WALLET.lower(), 1), "Withdrawal", (4, WALLET, 1)),
    ],
)
def test_a_message_is_hashed_as_eip_712_says(digest, kind, values):
    assert digest == reference(DOMAIN, kind, *values)


digests = st.binary(min_size=32, max_size=32)


@settings(max_examples=25)
@given(
    st.builds(
        Checkpoint,
        *(st.integers(0, 2**64 - 1), st.integers(0, 2**16 - 1), st.integers(0, 255), st.integers(0, 2**16 - 1)),
        *(digests, st.integers(0, 2**256 - 1), *[digests] * 7),
    ),
    st.integers(1, 2**64),
)
def test_any_checkpoint_on_any_chain(checkpoint, chain_id):
    """A type encoded too narrowly would agree on small numbers only."""
    domain = Domain(chain_id, WALLET)
    assert domain.checkpoint(checkpoint) == reference(domain, "Checkpoint", *astuple(checkpoint))


MIRROR_MESSAGE = MirrorMessage(
    MirroredRound(
        *(RoundNumber(7), RoundNumber(5), ShardIndex(1), 4, 2, 16, 60),
        *(1_800_000_001, 1_800_000_002, 1_800_000_003, 2**35, 9),
        *(b"\x05" * 32, b"\x06" * 32, b"\x07" * 32),
    ),
    (ParticipantId(3), ParticipantId(8)),
    (MirrorSeat(ParticipantId(11), KEY), MirrorSeat(ParticipantId(12), LmsPublicKey(b"j" * 16, b"s" * 24, 5))),
)


@pytest.mark.parametrize("revoked", [(), MIRROR_MESSAGE.revoked])
@pytest.mark.parametrize("seats", [1, 2])
def test_a_mirrors_message_is_hashed_with_its_structs_and_lists(revoked, seats):
    message = replace(MIRROR_MESSAGE, revoked=revoked, committee=MIRROR_MESSAGE.committee[:seats])
    assert DOMAIN.mirror_message(message) == reference(DOMAIN, "MirrorMessage", *astuple(message))


def test_reveals_are_hashed_one_after_another():
    """Each step is `bytes28(keccak256(abi.encode(hash, client, updateRoot, contentDigest)))`, padded with zeros."""
    first, second = Reveal(ParticipantId(9), 0, B, C, ""), Reveal(ParticipantId(4), 1, D, K, "")
    once = keccak(bytes(32) + (9).to_bytes(32) + B + C)[:28] + bytes(4)
    twice = keccak(once + (4).to_bytes(32) + D + K)[:28] + bytes(4)
    assert [reveals_hash(these) for these in ([], [first], [first, second])] == [bytes(32), once, twice]
    assert reveals_hash([second, first]) != twice


def test_a_seat_signs_digest_validator_and_seat():
    """`keccak256(abi.encode(TYPEHASH, digest, validator, seat))`: the digest is in the domain already."""
    named = keccak(text="Attestation(bytes32 digest,uint32 validator,uint8 seat)")
    assert seat_digest(D, 7, 3) == keccak(named + D + (7).to_bytes(32) + (3).to_bytes(32))


WORDS = (1).to_bytes(32) + (2).to_bytes(32) + b"r" * 32 + b"d" * 32 + b"s" * 32
"""Round, client, update root, content digest and salt."""


def test_commitment_is_what_solidity_computes():
    """`keccak256(abi.encode(round, client, updateRoot, contentDigest, salt))`."""
    assert compute_commitment(1, 2, b"r" * 32, b"d" * 32, b"s" * 32) == keccak(WORDS)


def test_private_commitment_is_what_solidity_computes():
    """`keccak256(abi.encode(round, client, updateRoot, contentDigest, salt, vectorCommitment))`."""
    found = compute_commitment(1, 2, b"r" * 32, b"d" * 32, b"s" * 32, 7**80)
    assert found == keccak(WORDS + (7**80).to_bytes(32))


def test_parameters_are_hashed_as_solidity_encodes_them():
    """32 bytes a member, whatever its width: the same rule in another order of members is another one."""
    rule = {"commitSeconds": 300, "trimBps": 2500, "normBound": 2**63}
    words = b"".join(value.to_bytes(32) for value in rule.values())
    assert parameters_hash(rule) == keccak(words)
    assert parameters_hash(dict(reversed(rule.items()))) != keccak(words)
