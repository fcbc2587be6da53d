"""What keys sign, against an independent implementation of EIP-712."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from qfl.protocol.digests import Domain, compute_commitment
from qfl.protocol.types import (
    Checkpoint,
    LmsPublicKey,
    MirroredRound,
    MirrorMessage,
    MirrorSeat,
    ParticipantId,
    RoundNumber,
    ShardIndex,
)

CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
WALLET = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
DOMAIN = Domain(31_337, CONTRACT)

KEY = LmsPublicKey(b"i" * 16, b"r" * 24, 10)
CHECKPOINT = Checkpoint(
    round=RoundNumber(3),
    shard=ShardIndex(2),
    turn=1,
    count=5,
    base_root=b"\x01" * 32,
    included=0b1011_0011,
    updates_root=b"\x02" * 32,
    aggregate_root=b"\x03" * 32,
    content_digest=b"\x04" * 32,
)


def reference(domain, kind, **members):
    """The digest as eth-account computes it; `members` give value and type of each member."""
    typed = encode_typed_data(
        domain_data={
            "name": "QFLchain",
            "version": "1",
            "chainId": domain.chain_id,
            "verifyingContract": domain.contract,
        },
        message_types={kind: [{"name": name, "type": type_} for name, (_, type_) in members.items()]},
        message_data={name: value for name, (value, _) in members.items()},
    )
    return keccak(b"\x19" + typed.version + typed.header + typed.body)


def checkpoint_reference(domain, c):
    return reference(
        domain,
        "Checkpoint",
        round=(c.round, "uint64"),
        shard=(c.shard, "uint16"),
        turn=(c.turn, "uint8"),
        count=(c.count, "uint16"),
        baseRoot=(c.base_root, "bytes32"),
        included=(c.included, "uint256"),
        updatesRoot=(c.updates_root, "bytes32"),
        aggregateRoot=(c.aggregate_root, "bytes32"),
        contentDigest=(c.content_digest, "bytes32"),
    )


def test_commit():
    assert DOMAIN.commit(3, 9, b"b" * 32, b"c" * 32) == reference(
        DOMAIN,
        "Commit",
        round=(3, "uint64"),
        client=(9, "uint32"),
        baseRoot=(b"b" * 32, "bytes32"),
        commitment=(b"c" * 32, "bytes32"),
    )


def test_checkpoint():
    assert DOMAIN.checkpoint(CHECKPOINT) == checkpoint_reference(DOMAIN, CHECKPOINT)


def test_publication():
    assert DOMAIN.publication(3, 7, b"m" * 32, b"d" * 32) == reference(
        DOMAIN,
        "Publication",
        round=(3, "uint64"),
        validator=(7, "uint32"),
        modelRoot=(b"m" * 32, "bytes32"),
        contentDigest=(b"d" * 32, "bytes32"),
    )


def test_exit():
    assert DOMAIN.exit(4, 1) == reference(DOMAIN, "Exit", participant=(4, "uint32"), nonce=(1, "uint32"))


def test_rotation():
    assert DOMAIN.rotation(4, KEY, 1) == reference(
        DOMAIN,
        "Rotation",
        participant=(4, "uint32"),
        identifier=(KEY.identifier, "bytes16"),
        root=(KEY.root, "bytes24"),
        height=(10, "uint8"),
        nonce=(1, "uint32"),
    )


def test_encryption_key():
    assert DOMAIN.encryption_key(4, b"k" * 32, 1) == reference(
        DOMAIN,
        "EncryptionKey",
        participant=(4, "uint32"),
        keyDigest=(b"k" * 32, "bytes32"),
        nonce=(1, "uint32"),
    )


@pytest.mark.parametrize("written", [WALLET, WALLET.lower()], ids=["checksummed", "lower case"])
def test_withdrawal(written):
    assert DOMAIN.withdrawal(4, written, 1) == reference(
        DOMAIN,
        "Withdrawal",
        participant=(4, "uint32"),
        withdrawal=(WALLET, "address"),
        nonce=(1, "uint32"),
    )


digests = st.binary(min_size=32, max_size=32)


@settings(max_examples=25)
@given(
    st.builds(
        Checkpoint,
        *(st.integers(0, 2**64 - 1), st.integers(0, 2**16 - 1), st.integers(0, 255), st.integers(0, 2**16 - 1)),
        *(digests, st.integers(0, 2**256 - 1), digests, digests, digests),
    ),
    st.integers(1, 2**64),
)
def test_any_checkpoint_on_any_chain(checkpoint, chain_id):
    """A type encoded too narrowly would agree on small numbers only."""
    domain = Domain(chain_id, WALLET)
    assert domain.checkpoint(checkpoint) == checkpoint_reference(domain, checkpoint)


@pytest.mark.parametrize(
    "change",
    [
        {"round": 4},
        {"shard": 3},
        {"turn": 0},
        {"count": 6},
        {"included": 0b1011_0010},
        {"base_root": bytes(32)},
        {"updates_root": bytes(32)},
        {"aggregate_root": bytes(32)},
        {"content_digest": bytes(32)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_attestation_of_one_checkpoint_is_none_of_another(change):
    """A member left out of the digest could be changed after the committee has signed."""
    assert DOMAIN.checkpoint(replace(CHECKPOINT, **change)) != DOMAIN.checkpoint(CHECKPOINT)


def test_a_signature_is_for_one_contract_on_one_chain():
    """Without both, a signature from a test network would be good on the main one."""
    elsewhere = [Domain(1, CONTRACT), Domain(31_337, WALLET)]
    digests = {domain.exit(4, 1) for domain in [DOMAIN, *elsewhere]}
    assert len(digests) == 3


def test_equal_fields_under_another_name_are_another_message():
    """An `Exit` must not be usable as another message with the same two numbers in it."""
    assert DOMAIN.commit(1, 2, b"x" * 32, b"y" * 32) != DOMAIN.publication(1, 2, b"x" * 32, b"y" * 32)


def test_a_commitment_is_bound_to_round_client_and_salt():
    """A commitment that two clients could open would let one of them copy the other's update."""
    root, digest, salt = b"r" * 32, b"d" * 32, b"s" * 32
    commitments = {
        compute_commitment(1, 2, root, digest, salt),
        compute_commitment(2, 2, root, digest, salt),
        compute_commitment(1, 3, root, digest, salt),
        compute_commitment(1, 2, digest, root, salt),
        compute_commitment(1, 2, root, digest, b"t" * 32),
    }
    assert len(commitments) == 5


def test_commitment_is_what_solidity_computes():
    """`keccak256(abi.encode(round, client, updateRoot, contentDigest, salt))`, words written out."""
    words = (1).to_bytes(32, "big") + (2).to_bytes(32, "big") + b"r" * 32 + b"d" * 32 + b"s" * 32
    assert compute_commitment(1, 2, b"r" * 32, b"d" * 32, b"s" * 32) == keccak(words)


def test_private_commitment_is_what_solidity_computes():
    """`keccak256(abi.encode(round, client, updateRoot, contentDigest, salt, vectorCommitment))`."""
    words = (1).to_bytes(32, "big") + (2).to_bytes(32, "big") + b"r" * 32 + b"d" * 32 + b"s" * 32
    words += (7**80).to_bytes(32, "big")
    assert compute_commitment(1, 2, b"r" * 32, b"d" * 32, b"s" * 32, 7**80) == keccak(words)


MIRROR_MESSAGE = MirrorMessage(
    MirroredRound(
        round=RoundNumber(7),
        previous=RoundNumber(5),
        shard=ShardIndex(1),
        shards=4,
        seats=2,
        lane_bits=16,
        turn_seconds=60,
        commit_ends_at=1_800_000_001,
        reveal_ends_at=1_800_000_002,
        checkpoint_ends_at=1_800_000_003,
        norm_bound=2**35,
        client_count=9,
        seed=b"\x05" * 32,
        base_root=b"\x06" * 32,
        clients_root=b"\x07" * 32,
    ),
    (ParticipantId(3), ParticipantId(8)),
    (MirrorSeat(ParticipantId(11), KEY), MirrorSeat(ParticipantId(12), LmsPublicKey(b"j" * 16, b"s" * 24, 5))),
)
ROUND_MEMBERS = {
    "round": "uint64",
    "previous": "uint64",
    "shard": "uint16",
    "shards": "uint16",
    "seats": "uint8",
    "laneBits": "uint8",
    "turnSeconds": "uint32",
    "commitEndsAt": "uint40",
    "revealEndsAt": "uint40",
    "checkpointEndsAt": "uint40",
    "normBound": "uint64",
    "clientCount": "uint32",
    "seed": "bytes32",
    "baseRoot": "bytes32",
    "clientsRoot": "bytes32",
}


def mirror_reference(message):
    """The digest as eth-account computes it, structs and lists included."""
    seats = [{"validator": s.validator, "key": vars(s.key)} for s in message.committee]
    typed = encode_typed_data(
        domain_data={"name": "QFLchain", "version": "1", "chainId": 31_337, "verifyingContract": CONTRACT},
        message_types={
            "MirrorMessage": [
                {"name": "round", "type": "MirroredRound"},
                {"name": "revoked", "type": "uint32[]"},
                {"name": "committee", "type": "MirrorSeat[]"},
            ],
            "MirroredRound": [{"name": name, "type": kind} for name, kind in ROUND_MEMBERS.items()],
            "MirrorSeat": [{"name": "validator", "type": "uint32"}, {"name": "key", "type": "LmsKey"}],
            "LmsKey": [
                {"name": "identifier", "type": "bytes16"},
                {"name": "root", "type": "bytes24"},
                {"name": "height", "type": "uint8"},
            ],
        },
        message_data={
            "round": dict(zip(ROUND_MEMBERS, vars(message.round).values(), strict=True)),
            "revoked": list(message.revoked),
            "committee": seats,
        },
    )
    return keccak(b"\x19" + typed.version + typed.header + typed.body)


@pytest.mark.parametrize("revoked", [(), MIRROR_MESSAGE.revoked])
@pytest.mark.parametrize("seats", [1, 2])
def test_a_mirrors_message_is_hashed_with_its_structs_and_lists(revoked, seats):
    message = replace(MIRROR_MESSAGE, revoked=revoked, committee=MIRROR_MESSAGE.committee[:seats])
    assert DOMAIN.mirror_message(message) == mirror_reference(message)
