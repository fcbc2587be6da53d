"""Rounds that a proven fault took away: nothing builds on them, so they are no failure of what stands."""

from __future__ import annotations

from qfl.chain.contracts.beacon import RoundState
from qfl.chain.contracts.disputes import Fault
from qfl.chain.ledger import Ledger
from qfl.protocol.types import RoundNumber

WHAT = {
    Fault.AGGREGATE: "the aggregate of shard {shard} was false",
    Fault.UPDATES: "the updates of shard {shard} were not the revealed ones",
    Fault.NORM: "an update of shard {shard} was over the norm bound",
    Fault.MODEL: "its model was false",
    Fault.WITHHELD: "it was not shown when it was demanded",
}


def voided_rounds(ledger: Ledger) -> dict[RoundNumber, str]:
    """Every voided round, and why, oldest first."""
    reasons: dict[RoundNumber, str] = {}
    for proven in ledger.disputes.proven(ledger.from_block) if ledger.disputes is not None else []:
        if proven.fault is not Fault.EQUIVOCATION:
            guilty = ", ".join(str(validator) for validator in proven.guilty)
            what = WHAT[proven.fault].format(shard=proven.shard)
            reasons.setdefault(proven.round, f"{what}, for which validators {guilty} were slashed")
    if reasons:
        for value in range(min(reasons), ledger.beacon.current_round() + 1):
            number = RoundNumber(value)
            if number not in reasons and ledger.beacon.round_at(number).state is RoundState.VOID:
                reasons[number] = f"it builds on round {ledger.round(number).plan.base_round}, which is void"
    return dict(sorted(reasons.items()))
