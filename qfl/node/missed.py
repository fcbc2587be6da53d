"""Why a shard has no part in a round: its chain, its mirror, its clients or its committee."""

from __future__ import annotations

from qfl.chain.ledger import Ledger
from qfl.errors import ChainUnreachable
from qfl.errors.secrets import conceal_address
from qfl.protocol.types import RoundNumber, ShardIndex

PROVEN_FALSE = "its checkpoint was proven false"


def why_missed(ledger: Ledger, round_number: RoundNumber, shard: ShardIndex) -> str | None:
    """Why a shard has no checkpoint in a round; None when it has one that stands.

    Raises:
        ChainUnreachable: the beacon's chain.
    """
    record = ledger.beacon.checkpoint_at(round_number, shard)
    if record.stands:
        return None
    if record.voided:
        return PROVEN_FALSE
    try:
        return _why_none(ledger, round_number, shard)
    except ChainUnreachable as fault:
        if not ledger.is_of_a_shard(fault):
            raise
        return f"its chain does not answer at {conceal_address(fault.url)}"


def _why_none(ledger: Ledger, round_number: RoundNumber, shard: ShardIndex) -> str:
    if ledger.mirrors:
        begun = ledger.deployment.chains[shard].block
        if not ledger.mirrors[shard].mirrorings(begun, round_number):
            return "its mirror was not brought to the round"
    opened = ledger.shard_opened_in(shard, round_number)
    if not ledger.shards[shard].commits(round_number, opened):
        return "no client committed"
    if not ledger.shards[shard].reveals(round_number, opened):
        return "no client revealed"
    return "no committee reached a quorum"
