"""A participant: stake, keys, rewards, and what it should do now."""

from __future__ import annotations

from typing import Any

from qfl.apps.inspect.plain import plain
from qfl.bounds import LAST_PARTICIPANT, check_whole
from qfl.chain.contracts.staking import Role
from qfl.chain.ledger import Ledger
from qfl.errors import InvalidInput
from qfl.protocol.types import ParticipantId


def inspect_participant(ledger: Ledger, participant: int) -> dict[str, Any]:
    """What the contracts say of a participant.

    Raises:
        InvalidInput: no such participant, or it has left.
    """
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
        duty = ledger.beacon.validator_duty(number)
        return found | {"duty": duty.kind.name.lower(), "round": duty.round, "deadline": duty.deadline}
    shard = ledger.shard_of(number)
    client_duty, of_round, deadline = ledger.shards[shard].client_duty(number)
    return found | {"duty": client_duty.name.lower(), "round": of_round, "shard": shard, "deadline": deadline}
