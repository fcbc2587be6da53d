"""A round: phase, committees, commits, reveals, checkpoint, model, disputes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from qfl.chain.ledger import Ledger
from qfl.codec.cid import cid_of
from qfl.errors import ChainUnreachable, InvalidInput
from qfl.inspect.transaction import plain
from qfl.roles.missed import why_missed
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
    shards = [ShardIndex(index) for index in range(len(ledger.shards))]
    return found | {
        "disputes": _disputes(ledger, record.number),
        "shards": [
            _on_beacon(ledger, record.number, shard) | _on_shard(ledger, record.number, shard) for shard in shards
        ],
    }


def _disputes(ledger: Ledger, number: RoundNumber) -> list[dict[str, Any]]:
    if ledger.disputes is None:
        return []
    proven = ledger.disputes.proven(ledger.opened_in(number), number)
    return [plain(asdict(entry)) | {"fault": entry.fault.name.lower()} for entry in proven]


def _on_beacon(ledger: Ledger, number: RoundNumber, index: ShardIndex) -> dict[str, Any]:
    """What the beacon has of a shard; `missed` says why it has no checkpoint, as far as the round has gone."""
    checkpoint = ledger.beacon.checkpoint_at(number, index)
    accepted = [a for a in ledger.beacon.accepted(number, ledger.opened_in(number)) if a.checkpoint.shard == index]
    return {
        "committee": ledger.beacon.committee(number, index),
        "checkpoint": plain(asdict(checkpoint)) | {"stands": checkpoint.stands},
        "accepted": [plain(asdict(entry)) for entry in accepted],
        "missed": why_missed(ledger, number, index),
    }


def _on_shard(ledger: Ledger, number: RoundNumber, index: ShardIndex) -> dict[str, Any]:
    """What the shard has of its round; nothing while a chain of its own does not answer."""
    shard = ledger.shards[index]
    try:
        opened = ledger.shard_opened_in(index, number)
        return {
            "commits": [plain(asdict(commit)) for commit in shard.commits(number, opened)],
            "reveals": [
                plain(asdict(reveal)) | {"cid": cid_of(reveal.content_digest)}
                for reveal in shard.reveals(number, opened)
            ],
            "proposals": len(shard.proposals(number, opened)),
            "attestations": len(shard.attestations(number, opened)),
        }
    except ChainUnreachable as fault:
        if not ledger.is_of_a_shard(fault):
            raise
        return {}
