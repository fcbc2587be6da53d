"""Who keeps the mirrors: the deployer sends the first message, the committee in a mirror signs each later one.

A mirror that cannot be brought to a round, because its chain is down or too few of its committee sign, misses that
round alone. With the next one it is up to date again: a message is relative to what its mirror shows.
"""

import logging
from collections.abc import Callable, Sequence
from typing import cast

from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.mirror import Mirror
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
from qfl.quorum.lms import LmsScheme, encode_bundle
from qfl.validator.attestation_pool import Tally

log = logging.getLogger(__name__)


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
    ) -> None:
        """`check_leaf` is called with a shard before anything is signed for its mirror."""
        self._validator, self._ledger, self._sender, self._signer = validator, ledger, sender, signer
        self._check_leaf = check_leaf

    def step(self) -> bool:
        """Do what can be done now; True when something was sent."""
        if not self._ledger.mirrors:
            return False
        context = self._ledger.beacon.context()
        if context.phase is Phase.IDLE:
            return False
        sent = False
        for shard in self._ledger.all_shards():
            with tolerating_shard(shard):
                sent |= self._keep(shard, context.round)
        return sent

    def _keep(self, shard: ShardIndex, number: RoundNumber) -> bool:
        mirror = self._ledger.mirrors[shard]
        shown = mirror.mirrored()
        if shown is None or shown.round >= number:
            return False
        now = time_of(mirror.web3)
        committees = [(h.round, mirror.sitting(h.round)) for h in mirror.handovers() if h.opens_at <= now]
        if all(seat.validator != self._validator for _, seats in committees for seat in seats):
            return False
        message = self._message(shard, number, shown.round)
        digest = self._ledger.mirror_domains[shard].mirror_message(message)
        said = mirror.countersignatures(number, self._ledger.deployment.chains[shard].block)
        sent = False
        for signers, seats in committees:
            scheme, keys = LmsScheme(self._ledger), {place: seat.key for place, seat in enumerate(seats)}
            tally = Tally(scheme, keys, digest=digest, committee=[seat.validator for seat in seats])
            tally.add((one.seat, one.signature) for one in said if one.digest == digest)
            sent |= self._countersign(mirror, message, seats, tally=tally, digest=digest)
            if len(tally.signatures) >= (needed := quorum_of(len(seats))):
                bundle = encode_bundle({seat: tally.signatures[seat] for seat in sorted(tally.signatures)[:needed]})
                call = mirror.advance(message, signers, bundle=bundle)
                return send_unless_overtaken(self._sender, call) is not None or sent
        return sent

    def _message(self, shard: ShardIndex, number: RoundNumber, previous: RoundNumber) -> MirrorMessage:
        """What it signs of a round, to a mirror that shows round `previous`."""
        return compute_message(self._ledger, shard, round_number=number, previous=previous)

    def _countersign(
        self, mirror: Mirror, message: MirrorMessage, seats: Sequence[MirrorSeat], *, tally: Tally, digest: bytes
    ) -> bool:
        """Sign the message in this validator's seat of a committee, if it has one and has not; True when sent."""
        round_, shard = message.round, message.round.shard
        # A key that was replaced after it was mirrored signs nothing that the mirror takes.
        own = MirrorSeat(self._validator, cast(LmsPublicKey, self._signer.public))
        seat = next((number for number, member in enumerate(seats) if member == own), None)
        if seat is None or seat in tally.signatures:
            return False
        self._check_leaf(shard)
        name = f"mirror of shard {shard} from {round_.previous} to {round_.round} in seat {seat}"
        signature = self._signer.sign_once(name, round_.round, seat_digest(digest, self._validator, seat))
        if signature is None:
            return False
        call = mirror.countersign(round_.round, self._validator, seat=seat, digest=digest, signature=signature)
        if send_unless_overtaken(self._sender, call) is None:
            return False
        tally.signatures[seat] = signature
        return True


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
