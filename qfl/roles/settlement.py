"""After the challenge window: make models final, credit the rewards, pay them out. Anyone may do any of it."""

from __future__ import annotations

from collections.abc import Iterator

from qfl.chain.contracts.beacon import RoundState
from qfl.chain.ledger import Ledger
from qfl.chain.sender import Sender, UnsentCall
from qfl.codec.chunks import merkle_path
from qfl.committee.result import update_leaves
from qfl.roles.relay import send_unless_overtaken
from qfl.types import ParticipantId, RoundNumber, ShardIndex


def settle_due(ledger: Ledger, sender: Sender) -> list[RoundNumber]:
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
        reveals = ledger.shards[shard].reveals(round_number, opened)
        included = [reveal for reveal in reveals if checkpoint.included >> reveal.index & 1]
        leaves = update_leaves(included)
        rewarded = ledger.beacon.rewarded_updates(round_number, shard)
        for position, reveal in enumerate(included):
            if not rewarded >> position & 1:
                path = merkle_path(leaves, position)
                yield ledger.beacon.reward_update(
                    checkpoint, position, reveal.client, reveal.update_root, reveal.content_digest, path
                )
        for seat, validator in enumerate(ledger.beacon.committee(round_number, shard)):
            if kept.attested >> seat & 1 and not kept.paid >> seat & 1:
                yield ledger.beacon.reward_seat(round_number, shard, seat, validator)
    if not record.publisher_paid:
        yield ledger.beacon.reward_publisher(round_number, record.publisher)


def pay_rewards(ledger: Ledger, sender: Sender, participant: ParticipantId) -> int:
    """Pay a participant's credited rewards to its withdrawal address; return them in wei."""
    owed = ledger.staking.rewards_of(participant)
    if owed:
        sender.send(ledger.staking.pay_rewards(participant))
    return owed
