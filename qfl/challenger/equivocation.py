"""Seats that signed two checkpoints in one turn, among everything that was said and accepted in a shard's round."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qfl.challenger.evidence import Equivocation, SignedCheckpoint
from qfl.protocol.types import Checkpoint, ParticipantId
from qfl.quorum.quorum import QuorumScheme

Keys = Mapping[int, Any]
"""A validator's keys by their numbers: those that could speak for it in the round."""


@dataclass(frozen=True)
class Said:
    """A signature that was seen: this seat's attestation of `digest`, or noise."""

    seat: int
    digest: bytes
    signature: bytes


def find_equivocations(
    scheme: QuorumScheme[Any],
    said: Iterable[Said],
    checkpoints: Mapping[bytes, Checkpoint],
    keys_of: Callable[[int], Keys],
    *,
    committee: Sequence[ParticipantId],
) -> list[Equivocation]:
    """One proof for each seat with valid signatures over two checkpoints of one turn.

    Args:
        checkpoints: The known ones by digest; a signature over anything else proves nothing.
        keys_of: The keys of a seat; asked for only where there is something to check.
        committee: The validator in each seat.
    """
    by_turn: dict[tuple[int, int], list[Said]] = defaultdict(list)
    for one in said:
        if one.digest in checkpoints:
            by_turn[checkpoints[one.digest].turn, one.seat].append(one)
    proofs: dict[int, Equivocation] = {}
    for (_, seat), seen in by_turn.items():
        if seat not in proofs and len({one.digest for one in seen}) > 1:
            signed = _valid(scheme, seen, checkpoints, keys_of(seat), committee=committee)
            if len(signed) > 1:
                proofs[seat] = Equivocation(signed[0], signed[1])
    return list(proofs.values())


def _valid(
    scheme: QuorumScheme[Any],
    seen: Iterable[Said],
    checkpoints: Mapping[bytes, Checkpoint],
    keys: Keys,
    *,
    committee: Sequence[ParticipantId],
) -> list[SignedCheckpoint]:
    """A valid signature for each digest that has one."""
    valid: dict[bytes, SignedCheckpoint] = {}
    for one in seen:
        for index, key in keys.items():
            if one.digest not in valid and scheme.valid(
                {one.seat: key}, one.digest, committee=committee, signatures={one.seat: one.signature}
            ):
                valid[one.digest] = SignedCheckpoint(checkpoints[one.digest], one.seat, index, one.signature)
    return list(valid.values())
