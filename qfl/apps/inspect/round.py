"""A round: phase, committees, commits, reveals, checkpoint, model, disputes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from qfl.apps.inspect.plain import plain
from qfl.apps.inspect.shard import shard_in_round
from qfl.chain.ledger import Ledger
from qfl.errors import InvalidInput
from qfl.protocol.cid import cid_of
from qfl.protocol.types import RoundNumber, ShardIndex


def inspect_round(ledger: Ledger, number: int) -> dict[str, Any]:
    """What the contracts say of a round.

    Raises:
        InvalidInput: no such round.
    """
    if not 0 <= number <= ledger.beacon.current_round():
        raise InvalidInput("round", number, f"the last one is {ledger.beacon.current_round()}")
    record = ledger.beacon.round_at(RoundNumber(number))
    found: dict[str, Any] = plain(asdict(record)) | {"state": record.state.name}
    if any(record.content_digest):
        found["cid"] = cid_of(record.content_digest)
    if number == 0:
        return found
    context = ledger.beacon.context()
    if context.round == number:
        found |= {"phase": context.phase.name, "phase_ends_at": context.phase_ends_at}
    shards = [ShardIndex(index) for index in range(len(ledger.shards))]
    return found | {
        "disputes": _disputes(ledger, record.number),
        "shards": [shard_in_round(ledger, shard, record.number) for shard in shards],
    }


def _disputes(ledger: Ledger, number: RoundNumber) -> list[dict[str, Any]]:
    if ledger.disputes is None:
        return []
    proven = ledger.disputes.proven(ledger.round(number).opened_in, number)
    return [plain(asdict(entry)) | {"fault": entry.fault.name.lower()} for entry in proven]
