"""Why a shard has no part in a round: its chain, its mirror, its clients or its committee."""

from __future__ import annotations

from qfl.chain.ledger import Ledger
from qfl.chain.rounds import ShardRound
from qfl.errors import ShardUnreachable
from qfl.errors.secrets import conceal_address
from qfl.protocol.types import RoundNumber, ShardIndex

PROVEN_FALSE = "its checkpoint was proven false"


def why_missed(ledger: Ledger, round_number: RoundNumber, shard: ShardIndex) -> str | None:
    """Why a shard has no checkpoint in a round; None when it has one that stands.

    Raises:
        ChainUnreachable: the beacon's chain.
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
