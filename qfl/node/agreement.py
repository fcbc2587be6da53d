"""How far a round's committees were of one mind."""

from __future__ import annotations

from dataclasses import dataclass

from qfl.chain.contracts.beacon import Accepted
from qfl.chain.ledger import Ledger
from qfl.chain.rounds import ShardRound
from qfl.errors import ShardUnreachable
from qfl.protocol.types import RoundNumber, ShardIndex


@dataclass(frozen=True)
class Agreement:
    """Of one shard's committee in one round.

    Attributes:
        turn: whose proposal was accepted; 0 is that of the first seat.
        signed: seats whose signatures the chain has checked. Two thirds are enough, and no more are brought.
        agreed: seats that signed the accepted result or announced it; None while the shard's own chain does not answer.
        others: results announced beside it, in whatever turn. Nobody checks who announces: it may be noise.
    """

    shard: ShardIndex
    seats: int
    turn: int
    signed: int
    agreed: int | None
    others: int | None


def committee_agreement(ledger: Ledger, number: RoundNumber) -> list[Agreement]:
    """An entry for each shard that has a checkpoint in the round.

    Raises:
        ChainUnreachable: the beacon's chain.
    """
    return [_of(ledger, entry) for entry in ledger.round(number).accepted()]


def _of(ledger: Ledger, entry: Accepted) -> Agreement:
    checkpoint = entry.checkpoint
    part = ledger.round(checkpoint.round).shard(checkpoint.shard)
    seats = len(part.committee())
    signed = entry.attested.bit_count()
    try:
        announced = _announcements(part)
    except ShardUnreachable:
        return Agreement(checkpoint.shard, seats, checkpoint.turn, signed, None, None)
    accepted = ledger.beacon_domain.checkpoint(checkpoint)
    same = announced.pop(accepted, set()) | {seat for seat in range(seats) if entry.attested >> seat & 1}
    return Agreement(checkpoint.shard, seats, checkpoint.turn, signed, len(same), len(announced))


def _announcements(part: ShardRound) -> dict[bytes, set[int]]:
    """The seats that are said to have announced each checkpoint, by its digest."""
    found = dict[bytes, set[int]]()
    for proposal in part.proposals():
        digest = part.ledger.beacon_domain.checkpoint(proposal.checkpoint)
        found.setdefault(digest, set()).add(proposal.checkpoint.turn)
    for attestation in part.attestations():
        found.setdefault(attestation.digest, set()).add(attestation.seat)
    return found
