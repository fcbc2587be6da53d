"""What a round came to: its time by stage, what was included, and why a part of it is missing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from qfl.chain.contracts.beacon import RoundRecord, RoundState
from qfl.chain.ledger import Ledger
from qfl.node.missed import PROVEN_FALSE, why_missed
from qfl.protocol.types import RoundNumber, ShardIndex


@dataclass
class RoundOutcome:
    """What a round came to; `seconds` by stage, `missed` says why a shard has no part in it."""

    round: RoundNumber
    included: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    missed: dict[ShardIndex, str] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, announce: Callable[[str], None] = lambda _stage: None) -> Iterator[None]:
        """Time a stage of the round."""
        announce(name)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


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
        return "its model was proven false, or builds on one that was"
    if ledger.beacon.round_at(record.base_round).state is RoundState.VOID:
        return "the model it trains on was proven false"
    missed = find_missed(ledger, record.number)
    if PROVEN_FALSE in missed.values():
        return PROVEN_FALSE
    if len(missed) < len(ledger.shards):
        return "no validator could publish"
    return "; ".join(dict.fromkeys(missed.values()))
