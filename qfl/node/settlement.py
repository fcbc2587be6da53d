"""After the challenge window: make models final, credit the rewards, pay them out. Anyone may do any of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from qfl.chain.contracts.beacon import RoundState
from qfl.chain.contracts.demands import FOR_EVER
from qfl.chain.ledger import Ledger
from qfl.chain.rounds import ShardRound
from qfl.chain.rpc.sender import TransactionSender, UnsentCall
from qfl.errors import ChainUnreachable
from qfl.node.relay import send_every, send_unless_overtaken
from qfl.protocol.chunks import merkle_path
from qfl.protocol.recompute import has_revealed_list, included_in, update_leaves
from qfl.protocol.types import Checkpoint, ParticipantId, Reveal, RoundNumber

log = logging.getLogger(__name__)


def settle_due(ledger: Ledger, sender: TransactionSender) -> list[RoundNumber]:
    """Settle every published round whose challenge window has passed, oldest first; return them."""
    settled = []
    for number in unsettled_rounds(ledger):
        if ledger.now() < final_at(ledger, number) or _held_until(ledger, number) == FOR_EVER:
            break
        if send_unless_overtaken(sender, ledger.beacon.settle(number)) is not None:
            settled.append(number)
    return settled


def unsettled_rounds(ledger: Ledger) -> Iterator[RoundNumber]:
    """The rounds whose models are published and not final, oldest first."""
    for value in range(ledger.beacon.final_round() + 1, ledger.beacon.current_round() + 1):
        number = RoundNumber(value)
        if ledger.round(number).record().state is RoundState.PUBLISHED:
            yield number


def final_at(ledger: Ledger, round_number: RoundNumber) -> int:
    """When a published model can be settled, unix seconds; while a demand of its round is open, not before it ends."""
    round_, held = ledger.round(round_number), _held_until(ledger, round_number)
    window_ends = round_.record().published_at + round_.plan.parameters.challenge_seconds
    return window_ends if held == FOR_EVER else max(window_ends, held)


def _held_until(ledger: Ledger, round_number: RoundNumber) -> int:
    return 0 if ledger.demands is None else ledger.demands.held_until(round_number)


def rewards_due(ledger: Ledger, round_number: RoundNumber) -> Iterator[UnsentCall]:
    """The calls that credit what is still owed for a final round."""
    round_ = ledger.round(round_number)
    record = round_.record()
    if record.state is not RoundState.FINAL:
        return
    for entry in round_.accepted():
        checkpoint, shard = entry.checkpoint, entry.checkpoint.shard
        part = round_.shard(shard)
        kept = part.checkpoint()
        if not kept.stands:
            continue
        included = _included(part, checkpoint)
        leaves = update_leaves(included)
        rewarded = ledger.rewards.rewarded_updates(round_number, shard)
        for position, reveal in enumerate(included):
            if not rewarded >> position & 1:
                path = merkle_path(leaves, position)
                yield ledger.rewards.reward_update(
                    checkpoint, position, reveal.client, reveal.update_root, reveal.content_digest, path
                )
        unpaid = kept.attested & ~ledger.rewards.rewarded_seats(round_number, shard)
        for seat, validator in enumerate(part.committee()):
            if unpaid >> seat & 1:
                yield ledger.rewards.reward_seat(round_number, shard, seat, validator)
    if not ledger.rewards.is_publisher_rewarded(round_number):
        yield ledger.rewards.reward_publisher(round_number, record.publisher)


def _included(part: ShardRound, checkpoint: Checkpoint) -> list[Reveal]:
    """The updates of an accepted checkpoint; none while the shard's own chain is down, or has lost them."""
    try:
        reveals = part.reveals()
    except ChainUnreachable as fault:
        if not part.ledger.is_of_a_shard(fault):
            raise
        log.warning("rewards of shard %d in round %d are left for later: %s", part.index, checkpoint.round, fault)
        return []
    if not has_revealed_list(checkpoint, reveals):
        log.warning("round %d: shard %d does not show the updates that were attested", checkpoint.round, part.index)
        return []
    return included_in(checkpoint, reveals)


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
