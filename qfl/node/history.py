"""What clients' earlier updates came to, read from the chain: the same for everybody who asks in the same round."""

from __future__ import annotations

from qfl.chain.contracts.beacon import RoundState
from qfl.chain.ledger import Ledger, tolerating_shard
from qfl.protocol.history import HISTORY_ROUNDS, Histories, Round, count_histories
from qfl.protocol.types import ParticipantId, RoundNumber

STANDING = RoundState.PUBLISHED, RoundState.FINAL


def read_histories(ledger: Ledger, before: RoundNumber) -> Histories:
    """What the models that stand say of each client, over the last rounds before `before`.

    A shard whose own chain does not answer is left out: an opinion can do without.
    """
    rounds = map(RoundNumber, range(max(1, before - HISTORY_ROUNDS), before))
    return count_histories([_read_round(ledger, number) for number in rounds])


def _read_round(ledger: Ledger, number: RoundNumber) -> Round:
    round_ = ledger.round(number)
    if round_.record().state not in STANDING:
        return {}
    was_included: dict[ParticipantId, bool] = {}
    for entry in round_.accepted():
        checkpoint = entry.checkpoint
        with tolerating_shard(checkpoint.shard):
            reveals = round_.shard(checkpoint.shard).reveals()
            was_included |= {reveal.client: bool(checkpoint.included >> reveal.index & 1) for reveal in reveals}
    return was_included
