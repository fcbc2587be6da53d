"""A round: phase, committees, commits, reveals, checkpoint, model, disputes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from qfl.chain.ledger import Ledger
from qfl.codec.cid import cid_of
from qfl.errors import InvalidInput
from qfl.inspect.transaction import plain
from qfl.types import RoundNumber, ShardIndex


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
    return found | {
        "disputes": _disputes(ledger, record.number),
        "shards": [_shard(ledger, record.number, ShardIndex(i)) for i in range(len(ledger.shards))],
    }


def _disputes(ledger: Ledger, number: RoundNumber) -> list[dict[str, Any]]:
    if ledger.disputes is None:
        return []
    proven = ledger.disputes.proven(ledger.opened_in(number), number)
    return [plain(asdict(entry)) | {"fault": entry.fault.name.lower()} for entry in proven]


def _shard(ledger: Ledger, number: RoundNumber, index: ShardIndex) -> dict[str, Any]:
    shard, opened = ledger.shards[index], ledger.opened_in(number)
    checkpoint = ledger.beacon.checkpoint_at(number, index)
    accepted = [a for a in ledger.beacon.accepted(number, opened) if a.checkpoint.shard == index]
    return {
        "committee": ledger.beacon.committee(number, index),
        "commits": [plain(asdict(commit)) for commit in shard.commits(number, opened)],
        "reveals": [
            plain(asdict(reveal)) | {"cid": cid_of(reveal.content_digest)} for reveal in shard.reveals(number, opened)
        ],
        "proposals": len(shard.proposals(number, opened)),
        "attestations": len(shard.attestations(number, opened)),
        "checkpoint": plain(asdict(checkpoint)) | {"stands": checkpoint.stands},
        "accepted": [plain(asdict(entry)) for entry in accepted],
    }
