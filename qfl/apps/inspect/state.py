"""What the contracts say of a round, of a shard and its part of a round, of a participant."""

from typing import Any

from qfl.apps.inspect import plain
from qfl.apps.inspect.draw import draw_in_round, draw_of_validator
from qfl.bounds import LAST_PARTICIPANT, check_whole
from qfl.chain.contracts.staking import Role
from qfl.chain.ledger import Ledger, tolerating_shard
from qfl.chain.rounds import ShardRound
from qfl.chain.rpc.connection import url_of
from qfl.crypto.hash_chain import LENGTH
from qfl.errors import InvalidInput, ShardUnreachable
from qfl.errors.text import conceal_address
from qfl.node.outcome import why_missed
from qfl.protocol.cid import cid_of
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex


def known_round(ledger: Ledger, number: int | None) -> RoundNumber:
    """The round of this number, 0 being genesis; the current one unless given. Raises InvalidInput: no such round."""
    current = ledger.beacon.current_round()
    if number is None:
        return current
    if not 0 <= number <= current:
        raise InvalidInput("round", number, f"the last one is {current}")
    return RoundNumber(number)


def inspect_round(ledger: Ledger, number: int) -> dict[str, Any]:
    """What the contracts say of a round. Raises InvalidInput: no such round."""
    record = ledger.beacon.round_at(known_round(ledger, number))
    found: dict[str, Any] = plain(record) | {"state": record.state.name}
    if any(record.content_digest):
        found["cid"] = cid_of(record.content_digest)
    if number == 0:
        return found
    context = ledger.beacon.context()
    if context.round == number:
        found |= {"phase": context.phase.name, "phase_ends_at": context.phase_ends_at}
    opened = ledger.round(record.number).opened_in
    disputes = [] if ledger.disputes is None else ledger.disputes.proven(opened, record.number)
    return found | {
        "draw": draw_in_round(ledger, record.number),
        "disputes": [plain(entry) | {"fault": entry.fault.name.lower()} for entry in disputes],
        "shards": [_shard_in_round(ledger, record.number, shard) for shard in ledger.all_shards()],
    }


def inspect_shard(ledger: Ledger, index: int, number: int | None = None) -> dict[str, Any]:
    """Where a shard is, and its part in round `number`, the current one unless given.

    Raises InvalidInput: no such shard, or no such round.
    """
    if not 0 <= index < len(ledger.shards):
        raise InvalidInput("shard", index, f"the deployment has {len(ledger.shards)}, from 0")
    asked = known_round(ledger, number)
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
    except ShardUnreachable as fault:
        found["problem"] = str(fault)
    if asked == 0:
        return found
    return found | {"round": asked} | _shard_in_round(ledger, asked, shard)


def _shard_in_round(ledger: Ledger, number: RoundNumber, index: ShardIndex) -> dict[str, Any]:
    """What beacon and shard have of its part: `missed` says why it has no checkpoint, as far as the round has gone."""
    part = ledger.round(number).shard(index)
    checkpoint, accepted = part.checkpoint(), part.accepted()
    return {
        "committee": part.committee(),
        "checkpoint": plain(checkpoint) | {"stands": checkpoint.stands},
        "accepted": [] if accepted is None else [plain(accepted)],
        "missed": why_missed(ledger, number, index),
        **_on_shard(part),
    }


def _on_shard(part: ShardRound) -> dict[str, Any]:
    """What the shard has of its round; nothing while a chain of its own does not answer."""
    with tolerating_shard(part.index):
        return {
            "commits": plain(part.commits()),
            "reveals": [plain(reveal) | {"cid": cid_of(reveal.content_digest)} for reveal in part.reveals()],
            "proposals": len(part.proposals()),
            "attestations": len(part.attestations()),
        }
    return {}


def inspect_participant(ledger: Ledger, participant: int) -> dict[str, Any]:
    """What the contracts say of a participant. Raises InvalidInput: no such participant, or it has left."""
    check_whole("participant", participant, 1, LAST_PARTICIPANT)
    number = ParticipantId(participant)
    record = ledger.staking.participant(number)
    if record.role is Role.NONE:
        count = ledger.staking.participant_count()
        raise InvalidInput("participant", participant, f"none such, or it has left; {count} ids were given out")
    found: dict[str, Any] = {"id": participant} | plain(record) | {"role": record.role.name.lower()}
    found |= {
        "rewards_wei": ledger.staking.rewards_of(number),
        "slashed": plain(ledger.staking.slashings(ledger.from_block, number)),
        "keys": [plain(ledger.staking.key_at(number, i)) for i in range(record.key_index + 1)],
    }
    if record.role is Role.VALIDATOR:
        duty = ledger.draw.validator_duty(number)
        found |= {"duty": duty.kind.name.lower(), "round": duty.round, "deadline": duty.deadline}
        return found | {"draw": draw_of_validator(ledger, number)}
    shard = ledger.shard_of(number)
    client_duty, of_round, deadline = ledger.shards[shard].client_duty(number)
    found |= {"duty": client_duty.name.lower(), "round": of_round, "shard": shard, "deadline": deadline}
    anchor, first_round = ledger.staking.anchor_of(number)
    if any(anchor):
        left = LENGTH // 2 - max(0, of_round + 1 - first_round)
        found["hash_chain"] = {"anchor": plain(anchor), "first_round": first_round, "rounds_left": max(0, left)}
    return found
