"""Who keeps the mirrors: the deployer sends the first message, the committee in a mirror signs each later one.

Its seats tell each other by gossip what they sign, and the first of those who spoke brings the bundle to the mirror. A
quarter of a turn after the round was opened, or the committee might sign, what was said is said on chain, and whoever
holds a quorum brings it; who has no gossip does both at once.

A mirror that cannot be brought to a round, because its chain is down or too few of its committee sign, misses that
round alone. With the next one it is up to date again: a message is relative to what its mirror shows.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.mirror import Handover, Mirror
from qfl.chain.ledger import Ledger, tolerating_shard
from qfl.chain.mirroring import admissions, compute_message
from qfl.chain.rpc.connection import time_of
from qfl.chain.rpc.sender import TransactionSender
from qfl.errors import ChainError, ContractReverted
from qfl.node.journal import Signer
from qfl.node.relay import OVERTAKEN, send_unless_overtaken
from qfl.protocol.digests import seat_digest
from qfl.protocol.quorum import quorum_of
from qfl.protocol.types import LmsPublicKey, MirrorMessage, MirrorSeat, ParticipantId, RoundNumber, ShardIndex
from qfl.quorum.lms import encode_bundle
from qfl.storage.pubsub import Pubsub
from qfl.validator.countersignature_pool import CountersignaturePool
from qfl.validator.gossip import PATIENCE_SECONDS

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Task:
    """A message that a committee of the mirror may sign now.

    Attributes:
        signers: the round that the committee was mirrored with.
        seat: this validator's in the committee, if it has one that it can sign in.
        signatures: the valid ones so far, by seat.
        is_early: whether gossip alone may suffice yet.
    """

    mirror: Mirror
    message: MirrorMessage
    digest: bytes
    signers: RoundNumber
    seat: int | None
    signatures: dict[int, bytes]
    quorum: int
    is_early: bool

    @property
    def is_decided(self) -> bool:
        return len(self.signatures) >= self.quorum

    @property
    def bundle(self) -> bytes:
        return encode_bundle({seat: self.signatures[seat] for seat in sorted(self.signatures)[: self.quorum]})


class Keeper:
    """A validator's part in keeping the mirrors: it signs what follows from the beacon, once, and carries bundles."""

    def __init__(
        self,
        validator: ParticipantId,
        ledger: Ledger,
        *,
        sender: TransactionSender,
        signer: Signer,
        check_leaf: Callable[[ShardIndex], None],
        pubsub: Pubsub | None = None,
    ) -> None:
        """`check_leaf` is called with a shard before anything is signed for its mirror."""
        self._validator, self._ledger, self._sender, self._signer = validator, ledger, sender, signer
        self._check_leaf, self._pubsub = check_leaf, pubsub
        self._pools: dict[ShardIndex, CountersignaturePool] = {}

    def step(self) -> bool:
        """Do what can be done now; True when something was said or sent.

        Once it has said its part by gossip, it gives the others a moment to say theirs.
        """
        if not self._ledger.mirrors:
            return False
        context = self._ledger.beacon.context()
        is_open = context.phase is not Phase.IDLE
        for shard, pool in list(self._pools.items()):
            if not is_open or pool.round != context.round:
                self._leave(shard)
        acted = False
        for shard in self._ledger.all_shards() if is_open else ():
            with tolerating_shard(shard):
                acted |= self._keep_patiently(shard, context.round)
        return acted

    def _keep_patiently(self, shard: ShardIndex, number: RoundNumber) -> bool:
        until = time.monotonic() + PATIENCE_SECONDS
        acted = self._keep(shard, number)
        while not acted and (pool := self._pools.get(shard)) and pool.hears_others(until - time.monotonic()):
            acted = self._keep(shard, number)
        if not acted and (pool := self._pools.get(shard)):
            pool.rest()
        return acted

    def _keep(self, shard: ShardIndex, number: RoundNumber) -> bool:
        mirror = self._ledger.mirrors[shard]
        shown = mirror.mirrored()
        if shown is None or shown.round >= number:
            self._leave(shard)
            return False
        committees = [(handover, mirror.sitting(handover.round)) for handover in open_handovers(mirror)]
        if all(seat.validator != self._validator for _, seats in committees for seat in seats):
            return False
        message = self._message(shard, number, shown.round)
        digest = self._ledger.mirror_domains[shard].mirror_message(message)
        pool = self._pool(shard, number)
        pool.read()
        now = self._ledger.now()
        acted = pool.is_waiting = False
        for handover, seats in committees:
            task = _Task(
                mirror,
                message,
                digest,
                signers=handover.round,
                seat=self._seat_in(seats),
                signatures=pool.signatures(digest, seats),
                quorum=quorum_of(len(seats)),
                is_early=pool.gossip is not None and now < _silent_until(self._ledger, number, handover),
            )
            acted |= self._speak(task, pool)
            if task.is_decided:
                return self._carry(task, pool) or acted
        return acted

    def _message(self, shard: ShardIndex, number: RoundNumber, previous: RoundNumber) -> MirrorMessage:
        """What it signs of a round, to a mirror that shows round `previous`."""
        return compute_message(self._ledger, shard, round_number=number, previous=previous)

    def _speak(self, task: _Task, pool: CountersignaturePool) -> bool:
        """Sign in this validator's seat, unless a quorum has, and say it where it is due; True when something was said.

        By gossip, as many seats speak as are needed, from the first on; the others when that was not enough.
        """
        seat, message = task.seat, task.message.round
        if seat is None or task.is_decided:
            return False
        has_spoken, talks = seat in task.signatures, task.is_early and pool.gossip is not None
        if not has_spoken:
            if talks and seat >= task.quorum and not pool.has_waited:
                return False
            self._check_leaf(message.shard)
            name = f"mirror of shard {message.shard} from {message.previous} to {message.round} in seat {seat}"
            signed = self._signer.sign_once(name, message.round, seat_digest(task.digest, self._validator, seat))
            if signed is None:
                return False
            task.signatures[seat] = signed
        signature = task.signatures[seat]
        call = task.mirror.countersign(
            message.round, self._validator, seat=seat, digest=task.digest, signature=signature
        )
        if talks and pool.gossip is not None:
            if has_spoken or pool.gossip.say(call):
                pool.is_waiting = True
                return not has_spoken
            pool.do_without_gossip()
        if pool.is_posted(task.digest, seat, signature):
            return False
        return send_unless_overtaken(self._sender, call) is not None

    def _carry(self, task: _Task, pool: CountersignaturePool) -> bool:
        """Bring the message to the mirror, if that is for this validator to do; True when sent."""
        if not self._is_to_carry(task, pool):
            return False
        call = task.mirror.advance(task.message, task.signers, bundle=task.bundle)
        return send_unless_overtaken(self._sender, call) is not None

    def _is_to_carry(self, task: _Task, pool: CountersignaturePool) -> bool:
        """Whether it is this validator that brings a quorum to the mirror.

        While gossip may suffice, the first of the seats that spoke by it; everybody when that one has not, and who has
        no gossip.
        """
        if pool.gossip is None or not task.is_early:
            return True
        if task.seat is None or task.seat not in task.signatures:
            return False
        return task.seat == min({task.seat} | pool.speakers(task.digest, task.signatures))

    def _seat_in(self, seats: Sequence[MirrorSeat]) -> int | None:
        """This validator's seat; a key that was replaced after it was mirrored signs nothing that the mirror takes."""
        own = MirrorSeat(self._validator, cast(LmsPublicKey, self._signer.public))
        return next((number for number, member in enumerate(seats) if member == own), None)

    def _pool(self, shard: ShardIndex, number: RoundNumber) -> CountersignaturePool:
        """What is said of a round; it listens from the first time on that it is asked for."""
        if (pool := self._pools.get(shard)) is None or pool.round != number:
            self._leave(shard)
            pool = self._pools[shard] = CountersignaturePool(self._ledger, shard, number, self._pubsub)
        return pool

    def _leave(self, shard: ShardIndex) -> None:
        """Listen no more to what is said for a shard's mirror."""
        if (pool := self._pools.pop(shard, None)) is not None:
            pool.do_without_gossip()


def open_handovers(mirror: Mirror) -> list[Handover]:
    """The committees that may sign the next message now, latest first."""
    now = time_of(mirror.web3)
    return [handover for handover in mirror.handovers() if handover.opens_at <= now]


def silent_until(ledger: Ledger, number: RoundNumber) -> int:
    """Up to when (unix seconds) gossip alone may bring an open round to the mirrors that lack it; 0: none does."""
    ends = [0]
    for shard in ledger.all_shards():
        with tolerating_shard(shard):
            mirror = ledger.mirrors[shard]
            shown = mirror.mirrored()
            if shown is not None and shown.round < number:
                ends += [_silent_until(ledger, number, handover) for handover in open_handovers(mirror)]
    return max(ends)


def _silent_until(ledger: Ledger, number: RoundNumber, handover: Handover) -> int:
    """The same for one committee: a quarter of a turn from when it might first sign the round's message."""
    plan = ledger.round(number).plan
    return max(plan.opened_at, handover.opens_at) + plan.parameters.turn_seconds // 4


def begin_mirrors(ledger: Ledger, sender: TransactionSender) -> list[ShardIndex]:
    """Send the first message to mirrors without one, in an open round. Raises ContractReverted: not the deployer's."""
    context, begun = ledger.beacon.context(), []
    if context.phase is Phase.IDLE:
        return []
    for shard in ledger.all_shards():
        with tolerating_shard(shard):
            mirror = ledger.mirrors[shard]
            if mirror.mirrored() is None:
                message = compute_message(ledger, shard, round_number=context.round, previous=RoundNumber(0))
                if send_unless_overtaken(sender, mirror.begin(message)) is not None:
                    begun.append(shard)
    return begun


def admit_clients(ledger: Ledger, sender: TransactionSender, *, clients: Sequence[ParticipantId]) -> int:
    """Prove to every mirror the clients that its shard has now; return how many were new to theirs."""
    count = 0
    for shard in ledger.all_shards():
        with tolerating_shard(shard):
            outcomes = sender.send_many(admissions(ledger, shard, clients=clients))
            for outcome in outcomes:
                is_overtaken = isinstance(outcome, ContractReverted) and outcome.name in OVERTAKEN
                if isinstance(outcome, ChainError) and not is_overtaken:
                    raise outcome
            count += len(outcomes)
    return count
