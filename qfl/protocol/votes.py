"""Votes as bytes: the Python side of `contracts/quorums/VoteQuorum.sol`. Keys are links of 28 bytes.

A bundle, big endian, is a byte that says what follows. 0, votes: the masks of the seats that are listed and of those
whose key is shown (u64 each), then of each listed seat, lowest first, its key where that is shown, else its vote. 1: a
bundle of LMS signatures (`qfl.quorum.lms`).
"""

from collections.abc import Mapping, Sequence

from eth_utils.crypto import keccak

TURNS = 2
"""Turns of a round that have a vote key."""
REGISTRATION = "VoteChain(uint32 participant,bytes28 anchor,uint32 firstRound,uint32 nonce)"
"""What a validator's LMS key signs when it names a chain of vote keys; the domain is the vote quorum."""
VOTES, SIGNATURES = b"\x00", b"\x01"
"""How a bundle or an attestation begins."""


def key_number(round_number: int, turn: int) -> int:
    """The number of a turn's key in every chain; a chain's anchor has the number `TURNS * first round`."""
    if not 0 <= turn < TURNS:
        raise ValueError(f"turn {turn} has no vote key")
    return TURNS * round_number + turn + 1


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


def encode_attestation(key: bytes, place: int, votes: Sequence[bytes]) -> bytes:
    """One seat's attestation: its key, and the list in which its vote has this place."""
    return VOTES + key + place.to_bytes(1) + b"".join(votes)
