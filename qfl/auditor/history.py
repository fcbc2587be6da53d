"""What the chain says of the past: which key spoke for whom and when, and which rounds a proven fault took away."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TypeVar

from qfl.chain.contracts.beacon import RoundState
from qfl.chain.contracts.disputes import Fault
from qfl.chain.ledger import Ledger
from qfl.protocol.types import ParticipantId, RoundNumber

Key = TypeVar("Key")

WHAT = {
    Fault.AGGREGATE: "the aggregate of shard {shard} was false",
    Fault.UPDATES: "the updates of shard {shard} were not the revealed ones",
    Fault.NORM: "an update of shard {shard} was over the norm bound",
    Fault.MODEL: "its model was false",
    Fault.WITHHELD: "it was not shown when it was demanded",
}


def key_history(changes: Iterable[tuple[ParticipantId, Key, int]]) -> Callable[[int, int], list[Key]]:
    """The keys that could have spoken for a participant in a block: the last before it, and any that changed in it.

    `changes` are participants, new keys and the blocks they became valid in, oldest first.
    """
    keys: dict[int, list[tuple[int, Key]]] = defaultdict(list)
    for changing, key, block in changes:
        keys[changing].append((block, key))

    def keys_at(participant: int, block: int) -> list[Key]:
        before = [key for since, key in keys[participant] if since < block][-1:]
        return before + [key for since, key in keys[participant] if since == block]

    return keys_at


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
