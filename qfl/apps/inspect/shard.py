"""A shard: where it is, and what it and the beacon have of its part in a round."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from qfl.apps.inspect.plain import plain
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.connection import url_of
from qfl.errors import ChainUnreachable, InvalidInput
from qfl.errors.secrets import conceal_address
from qfl.node.missed import why_missed
from qfl.protocol.cid import cid_of
from qfl.protocol.types import RoundNumber, ShardIndex


def inspect_shard(ledger: Ledger, index: int, number: int | None = None) -> dict[str, Any]:
    """A shard, and its part in round `number`, the current one unless given.

    Raises:
        InvalidInput: no such shard, or no such round.
    """
    if not 0 <= index < len(ledger.shards):
        raise InvalidInput("shard", index, f"the deployment has {len(ledger.shards)}, from 0")
    current = ledger.beacon.current_round()
    asked = current if number is None else RoundNumber(number)
    if not 0 <= asked <= current:
        raise InvalidInput("round", asked, f"the last one is {current}")
    shard, contract = ShardIndex(index), ledger.shards[index]
    found: dict[str, Any] = {
        "shard": index,
        "address": contract.address,
        "chain_id": ledger.shard_domains[index].chain_id,
        "rpc": conceal_address(url_of(contract.web3)),
        "has_own_chain": bool(ledger.mirrors),
    }
    try:
        found["mode"] = "transparent" if ledger.norm_verifier(shard) is None else "private"
        if ledger.mirrors:
            found["mirror"] = ledger.mirrors[index].address
    except ChainUnreachable as fault:
        if not ledger.is_of_a_shard(fault):
            raise
        found["problem"] = str(fault)
    if asked == 0:
        return found
    return found | {"round": asked} | shard_in_round(ledger, shard, asked)


def shard_in_round(ledger: Ledger, index: ShardIndex, number: RoundNumber) -> dict[str, Any]:
    """A shard's committee, checkpoint, commits, reveals and announcements of one round."""
    return _on_beacon(ledger, number, index) | _on_shard(ledger, number, index)


def _on_beacon(ledger: Ledger, number: RoundNumber, index: ShardIndex) -> dict[str, Any]:
    """What the beacon has of a shard; `missed` says why it has no checkpoint, as far as the round has gone."""
    part = ledger.round(number).shard(index)
    checkpoint, accepted = part.checkpoint(), part.accepted()
    return {
        "committee": part.committee(),
        "checkpoint": plain(asdict(checkpoint)) | {"stands": checkpoint.stands},
        "accepted": [] if accepted is None else [plain(asdict(accepted))],
        "missed": why_missed(ledger, number, index),
    }


def _on_shard(ledger: Ledger, number: RoundNumber, index: ShardIndex) -> dict[str, Any]:
    """What the shard has of its round; nothing while a chain of its own does not answer."""
    part = ledger.round(number).shard(index)
    try:
        return {
            "commits": [plain(asdict(commit)) for commit in part.commits()],
            "reveals": [plain(asdict(reveal)) | {"cid": cid_of(reveal.content_digest)} for reveal in part.reveals()],
            "proposals": len(part.proposals()),
            "attestations": len(part.attestations()),
        }
    except ChainUnreachable as fault:
        if not ledger.is_of_a_shard(fault):
            raise
        return {}
