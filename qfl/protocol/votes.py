"""Votes as bytes: the Python side of `contracts/quorums/VoteQuorum.sol`. Keys are links of 28 bytes.

A bundle, big endian, is a byte that says what follows. 0, votes: the masks of the seats that are listed and of those
whose key is shown (u64 each), then of each listed seat, lowest first, its key where that is shown, else its vote. 1: a
bundle of LMS signatures (`qfl.quorum.lms`).
"""

from collections.abc import Mapping, Sequence

from eth_utils.crypto import keccak

TURNS = 2
"""Turns of a round that have a vote key, each from a chain of its own."""
REGISTRATION = "VoteChains(uint32 participant,bytes28 first,bytes28 second,uint32 firstRound,uint32 nonce)"
"""What a validator's LMS key signs when it names its chains of vote keys; the domain is the vote quorum."""
VOTES, SIGNATURES = b"\x00", b"\x01"
"""How a bundle or an attestation begins."""
VOTE, LIST, KEY = b"\x02", b"\x03", b"\x04"
"""How what seats tell each other of a vote begins: a vote and the LMS signature of it; a list; a key."""
CAST = "Vote(bytes32 digest,uint32 validator,uint8 seat,bytes32 vote)"
"""What a validator's LMS key signs when it tells the others its vote, which nobody can check before it is opened."""
VOTE_BYTES, KEY_BYTES, MASK_BYTES = 32, 28, 8


def vote_of(digest: bytes, seat: int, key: bytes) -> bytes:
    """The vote for a checkpoint's digest (32 bytes) of who sits in a seat and has the key."""
    return keccak(digest + key + seat.to_bytes(4))


def list_hash(votes: Mapping[int, bytes]) -> bytes:
    """What is posted of a list of votes by seat."""
    return keccak(b"".join(votes[seat] for seat in sorted(votes)))


def encode_votes(votes: Mapping[int, bytes], keys: Mapping[int, bytes]) -> bytes:
    """The bundle of a list of votes by seat (0 to 63), with the keys of some of its seats."""
    listed, shown = (sum(1 << seat for seat in seats) for seats in (votes, keys))
    given = {**votes, **keys}
    return VOTES + listed.to_bytes(8) + shown.to_bytes(8) + b"".join(given[seat] for seat in sorted(given))


def encode_list(votes: Mapping[int, bytes]) -> bytes:
    """A list of votes by seat (0 to 63), as seats tell it each other: the mask of its seats, then their votes."""
    mask = sum(1 << seat for seat in votes)
    return LIST + mask.to_bytes(MASK_BYTES) + b"".join(votes[seat] for seat in sorted(votes))


def decode_list(said: bytes) -> dict[int, bytes]:
    """The list in what a seat says. Raises ValueError: it is cut, or has bytes left over."""
    mask, votes = int.from_bytes(said[1 : 1 + MASK_BYTES]), said[1 + MASK_BYTES :]
    seats = [seat for seat in range(8 * MASK_BYTES) if mask >> seat & 1]
    if len(votes) != VOTE_BYTES * len(seats):
        raise ValueError(f"a list of {len(seats)} votes in {len(votes)} bytes")
    return {seat: votes[VOTE_BYTES * place : VOTE_BYTES * (place + 1)] for place, seat in enumerate(seats)}


def encode_attestation(key: bytes, place: int, votes: Sequence[bytes]) -> bytes:
    """One seat's attestation: its key, and the list in which its vote has this place."""
    return VOTES + key + place.to_bytes(1) + b"".join(votes)
