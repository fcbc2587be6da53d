"""After the challenge window: make models final, credit the rewards, pay them out. Anyone may do any of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from qfl.chain.contracts.beacon import RoundState
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.sender import TransactionSender, UnsentCall
from qfl.errors import ChainUnreachable
from qfl.node.relay import send_every, send_unless_overtaken
from qfl.protocol.chunks import merkle_path, merkle_root
from qfl.protocol.result import update_leaves
from qfl.protocol.types import CheckpointData, ParticipantId, Revealed, RoundNumber, ShardIndex

log = logging.getLogger(__name__)


def settle_due(ledger: Ledger, sender: TransactionSender) -> list[RoundNumber]:
    """Settle every published round whose challenge window has passed, oldest first; return them."""
    settled = []
    for number in unsettled_rounds(ledger):
        if ledger.now() < final_at(ledger, number):
            break
        if send_unless_overtaken(sender, ledger.beacon.settle(number)) is not None:
            settled.append(number)
    return settled


def unsettled_rounds(ledger: Ledger) -> Iterator[RoundNumber]:
    """The rounds whose models are published and not final, oldest first."""
    for value in range(ledger.beacon.final_round() + 1, ledger.beacon.current_round() + 1):
        number = RoundNumber(value)
        if ledger.beacon.round_at(number).state is RoundState.PUBLISHED:
            yield number


def final_at(ledger: Ledger, round_number: RoundNumber) -> int:
    """When a published model can be settled, unix seconds."""
    record = ledger.beacon.round_at(round_number)
    return record.published_at + ledger.beacon.parameters_at(record.parameters_version).challenge_seconds


def rewards_due(ledger: Ledger, round_number: RoundNumber) -> Iterator[UnsentCall]:
    """The calls that credit what is still owed for a final round."""
    record = ledger.beacon.round_at(round_number)
    if record.state is not RoundState.FINAL:
        return
    opened = ledger.opened_in(round_number)
    for entry in ledger.beacon.accepted(round_number, opened):
        checkpoint, shard = entry.checkpoint, ShardIndex(entry.checkpoint.shard)
        kept = ledger.beacon.checkpoint_at(round_number, shard)
        if not kept.stands:
            continue
        included = _included(ledger, checkpoint)
        leaves = update_leaves(included)
        rewarded = ledger.rewards.rewarded_updates(round_number, shard)
        for position, reveal in enumerate(included):
            if not rewarded >> position & 1:
                path = merkle_path(leaves, position)
                yield ledger.rewards.reward_update(
                    checkpoint, position, reveal.client, reveal.update_root, reveal.content_digest, path
                )
        unpaid = kept.attested & ~ledger.rewards.rewarded_seats(round_number, shard)
        for seat, validator in enumerate(ledger.beacon.committee(round_number, shard)):
            if unpaid >> seat & 1:
                yield ledger.rewards.reward_seat(round_number, shard, seat, validator)
    if not ledger.rewards.is_publisher_rewarded(round_number):
        yield ledger.rewards.reward_publisher(round_number, record.publisher)


def _included(ledger: Ledger, checkpoint: CheckpointData) -> list[Revealed]:
    """The updates of an accepted checkpoint; none while the shard's own chain is down, or has lost them."""
    shard = ShardIndex(checkpoint.shard)
    try:
        reveals = ledger.shards[shard].reveals(checkpoint.round, ledger.shard_opened_in(shard, checkpoint.round))
    except ChainUnreachable as fault:
        if not ledger.is_of_a_shard(fault):
            raise
        log.warning("rewards of shard %d in round %d are left for later: %s", shard, checkpoint.round, fault)
        return []
    included = [reveal for reveal in reveals if checkpoint.included >> reveal.index & 1]
    if not included or merkle_root(update_leaves(included)) != checkpoint.updates_root:
        log.warning("round %d: shard %d does not show the updates that were attested", checkpoint.round, shard)
        return []
    return included


def pay_rewards(ledger: Ledger, sender: TransactionSender, participant: ParticipantId) -> int:
    """Pay a participant's credited rewards to its withdrawal address; return them in wei."""
    owed = ledger.staking.rewards_of(participant)
    if owed:
        sender.send(ledger.staking.pay_rewards(participant))
    return owed


def pay_everyone(ledger: Ledger, sender: TransactionSender, participants: Sequence[ParticipantId]) -> None:
    """Pay what is credited to each of the participants, in batches. Raises as `send_every`."""
    owed = zip(participants, ledger.staking.all_rewards_of(participants), strict=True)
    send_every(sender, [ledger.staking.pay_rewards(participant) for participant, amount in owed if amount])
