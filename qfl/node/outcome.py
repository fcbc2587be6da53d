"""What a round came to: what was included, how far its committees were of one mind, and why a part is missing."""

from dataclasses import dataclass

from qfl.chain.contracts.beacon import Accepted, RoundRecord, RoundState
from qfl.chain.ledger import Ledger
from qfl.chain.rounds import ShardRound
from qfl.errors import ShardUnreachable
from qfl.errors.text import conceal_address
from qfl.protocol.types import RoundNumber, ShardIndex

PROVEN_FALSE = "its checkpoint was proven false"


def count_included(ledger: Ledger, number: RoundNumber) -> int:
    """Updates included in the round, over all shards."""
    records = (ledger.beacon.checkpoint_at(number, shard) for shard in ledger.all_shards())
    return sum(record.count for record in records if record.stands)


def find_missed(ledger: Ledger, number: RoundNumber) -> dict[ShardIndex, str]:
    """The shards that have no part in a round, and why."""
    reasons = {shard: why_missed(ledger, number, shard) for shard in ledger.all_shards()}
    return {shard: reason for shard, reason in reasons.items() if reason is not None}


def why_without_model(ledger: Ledger, record: RoundRecord) -> str:
    """Why a round has no model that stands."""
    if record.state is RoundState.VOID:
        is_own = PROVEN_FALSE in find_missed(ledger, record.number).values()
        return PROVEN_FALSE if is_own else "its model was proven false, or builds on one that was"
    if ledger.beacon.round_at(record.base_round).state is RoundState.VOID:
        return "the model it trains on was proven false"
    missed = find_missed(ledger, record.number)
    if PROVEN_FALSE in missed.values():
        return PROVEN_FALSE
    if len(missed) < len(ledger.shards):
        return "no validator could publish"
    return "; ".join(dict.fromkeys(missed.values()))


def why_missed(ledger: Ledger, round_number: RoundNumber, shard: ShardIndex) -> str | None:
    """Why a shard has no checkpoint in a round; None when it has one that stands.

    Raises ChainUnreachable: the beacon's chain.
    """
    part = ledger.round(round_number).shard(shard)
    record = part.checkpoint()
    if record.stands:
        return None
    if record.voided:
        return PROVEN_FALSE
    try:
        return _why_none(part)
    except ShardUnreachable as fault:
        return f"its chain does not answer at {conceal_address(fault.url)}"


def _why_none(part: ShardRound) -> str:
    if part.ledger.mirrors:
        begun = part.ledger.deployment.chains[part.index].block
        if not part.ledger.mirrors[part.index].mirrorings(begun, part.round.number):
            return "its mirror was not brought to the round"
    if not part.commits():
        return "no client committed"
    if not part.reveals():
        return "no client revealed"
    return "no committee reached a quorum"


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
    """An entry for each shard that has a checkpoint in the round. Raises ChainUnreachable: the beacon's chain."""
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
