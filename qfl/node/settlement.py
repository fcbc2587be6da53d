"""After the challenge window: make models final, credit the rewards, pay them out. Anyone may do any of it."""

import logging
from collections.abc import Iterable, Iterator, Sequence

from qfl.chain.contracts.beacon import RoundState
from qfl.chain.contracts.demands import FOR_EVER
from qfl.chain.contracts.rewards import ShardClaim
from qfl.chain.ledger import Ledger
from qfl.chain.rounds import Round, ShardRound
from qfl.chain.rpc.sender import TransactionSender, UnsentCall
from qfl.errors import ShardUnreachable
from qfl.node.relay import send_every, send_unless_overtaken
from qfl.protocol.recompute import has_revealed_list, included_in
from qfl.protocol.types import Checkpoint, ParticipantId, Reveal, RoundNumber

log = logging.getLogger(__name__)

UPDATES_AT_ONCE = 300
"""In one claim: about 3 million gas and 40 kB, with 256 more at the most."""


def settle_due(ledger: Ledger, sender: TransactionSender) -> list[RoundNumber]:
    """Settle every published round whose challenge window has passed, oldest first; return them."""
    settled = []
    for number in unsettled_rounds(ledger):
        if ledger.now() < final_at(ledger, number) or _held_until(ledger, number) == FOR_EVER:
            break
        if send_unless_overtaken(sender, ledger.beacon.settle(number)) is not None:
            settled.append(number)
    return settled


def charge_due(ledger: Ledger, sender: TransactionSender, round_number: RoundNumber) -> None:
    """Charge who did not reveal in a round that is over; its bounty is the sender's."""
    for call in charges_due(ledger, round_number):
        send_unless_overtaken(sender, call)


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


def rewards_due(
    ledger: Ledger, rounds: Iterable[RoundNumber], earner: ParticipantId | None = None
) -> Iterator[UnsentCall]:
    """The calls that credit what is still owed for final rounds, as few as fit into transactions.

    With an `earner`, only shards and publications that it has a part in; a claim credits everybody in it.
    """
    claims, published, updates = list[ShardClaim](), list[RoundNumber](), 0
    for number in rounds:
        round_ = ledger.round(number)
        record = round_.record()
        if record.state is not RoundState.FINAL:
            continue
        for claim in _claims(round_, earner):
            claims.append(claim)
            updates += len(claim.updates)
        if record.publisher and earner in (None, record.publisher) and not ledger.rewards.is_publisher_rewarded(number):
            published.append(number)
        if updates + len(published) >= UPDATES_AT_ONCE:
            yield ledger.rewards.reward(claims, published)
            claims, published, updates = [], [], 0
    if claims or published:
        yield ledger.rewards.reward(claims, published)


def _claims(round_: Round, earner: ParticipantId | None) -> Iterator[ShardClaim]:
    """The shards of a final round that were not rewarded, and in which `earner` has a part."""
    for entry in round_.accepted():
        part = round_.shard(entry.checkpoint.shard)
        if not part.checkpoint().stands or round_.ledger.rewards.is_shard_rewarded(round_.number, part.index):
            continue
        included = _included(part, entry.checkpoint)
        if included and earner in (None, *(update.client for update in included), *part.committee()):
            yield ShardClaim(entry.checkpoint, included)


def charges_due(ledger: Ledger, round_number: RoundNumber) -> Iterator[UnsentCall]:
    """The calls that charge the clients which committed in a round that is over and did not reveal, though they could.

    Only where the shards are on the beacon's chain.
    """
    round_ = ledger.round(round_number)
    record = round_.record()
    fell_early = record.state is RoundState.FAILED and 0 < record.published_at < record.reveal_ends_at
    for part in () if ledger.mirrors or fell_early else round_.shards():
        revealed = {reveal.client for reveal in part.reveals()}
        silent = [commit.client for commit in part.commits() if commit.client not in revealed]
        owing = [client for client in silent if not ledger.rewards.is_charged(round_number, client)]
        if owing:
            yield ledger.rewards.charge_unrevealed(round_number, part.index, owing)


def _included(part: ShardRound, checkpoint: Checkpoint) -> list[Reveal]:
    """The updates of an accepted checkpoint; none while the shard's own chain is down, or has lost them."""
    try:
        reveals = part.reveals()
    except ShardUnreachable as fault:
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
