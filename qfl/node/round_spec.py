"""What the beacon asks of a round's updates, and the models behind it."""

from __future__ import annotations

from qfl.chain.ledger import Ledger
from qfl.protocol.types import RoundNumber, RoundSpec, ShardIndex


def read_round_spec(ledger: Ledger, round_number: RoundNumber, shard: ShardIndex) -> RoundSpec:
    """The terms of one shard in one round."""
    plan = ledger.plan(round_number)
    parameters = plan.parameters
    return RoundSpec(
        round_number,
        shard,
        plan.base_root,
        ledger.beacon.shape(),
        parameters.format,
        parameters.trim_bps,
        parameters.norm_bound,
    )
