"""Who keeps the mirrors: the deployer sends the first message, the committee in a mirror signs each later one.

A mirror that cannot be brought to a round, because its chain is down or too few of its committee sign, misses that
round alone. With the next one it is up to date again: a message is relative to what its mirror shows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.mirror import Mirror
from qfl.chain.ledger import Ledger
from qfl.chain.mirroring import admissions, compute_message
from qfl.chain.rpc.sender import TransactionSender
from qfl.crypto.lms import verify
from qfl.errors import ChainError, ContractReverted
from qfl.node.relay import OVERTAKEN, send_unless_overtaken
from qfl.node.shards import shards_of, tolerating_shard
from qfl.node.signer import Signer
from qfl.protocol.quorum import quorum_of
from qfl.protocol.types import MirrorMessage, MirrorSeat, ParticipantId, RoundNumber, ShardIndex
from qfl.quorum.lms import encode_bundle

log = logging.getLogger(__name__)


class Keeper:
    """A validator's part in keeping the mirrors: it signs what follows from the beacon, once, and carries bundles."""

    def __init__(
        self,
        validator: ParticipantId,
        ledger: Ledger,
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
        for shard in shards_of(self._ledger):
            with tolerating_shard(self._ledger, shard):
                sent |= self._keep(shard, context.round)
        return sent

    def _keep(self, shard: ShardIndex, number: RoundNumber) -> bool:
        mirror = self._ledger.mirrors[shard]
        shown = mirror.mirrored()
        if shown is None or shown.round >= number:
            return False
        committees = [(h.round, mirror.sitting(h.round)) for h in mirror.handovers() if h.opens_at <= mirror.now()]
        own = [seat for _, seats in committees for seat in seats if seat.validator == self._validator]
        if not own:
            return False
        message = compute_message(self._ledger, shard, round_number=number, previous=shown.round)
        digest = self._ledger.mirror_domains[shard].mirror_message(message)
        signatures = self._signatures(shard, number, digest, [seat for _, seats in committees for seat in seats])
        sent = self._validator not in signatures and self._sign(mirror, message, digest, own[0], signatures)
        return self._carry(mirror, message, committees, signatures) or sent

    def _signatures(
        self, shard: ShardIndex, number: RoundNumber, digest: bytes, seats: Iterable[MirrorSeat]
    ) -> dict[ParticipantId, bytes]:
        """Valid signatures under the message, by validator; forged ones are dropped here."""
        keys = {seat.validator: seat.key for seat in seats}
        since = self._ledger.deployment.chains[shard].block
        return {
            said.validator: said.signature
            for said in self._ledger.mirrors[shard].countersignatures(number, since)
            if said.digest == digest and said.validator in keys and verify(keys[said.validator], digest, said.signature)
        }

    def _sign(
        self,
        mirror: Mirror,
        message: MirrorMessage,
        digest: bytes,
        seat: MirrorSeat,
        signatures: dict[ParticipantId, bytes],
    ) -> bool:
        """Announce a signature. A key that was replaced after it was mirrored signs nothing that the mirror takes."""
        if seat.key != self._signer.public:
            return False
        self._check_leaf(message.round.shard)
        number = message.round.round
        name = f"mirror of shard {message.round.shard} from {message.round.previous} to {number}"
        if (signature := self._signer.sign_once(name, number, digest)) is None:
            return False
        call = mirror.countersign(number, self._validator, digest=digest, signature=signature)
        if send_unless_overtaken(self._sender, call) is None:
            return False
        signatures[self._validator] = signature
        return True

    def _carry(
        self,
        mirror: Mirror,
        message: MirrorMessage,
        committees: Sequence[tuple[RoundNumber, Sequence[MirrorSeat]]],
        signatures: dict[ParticipantId, bytes],
    ) -> bool:
        """Bring the message to the mirror, with the first committee that has a quorum for it."""
        for signers, seats in committees:
            signed = {i: signatures[seat.validator] for i, seat in enumerate(seats) if seat.validator in signatures}
            if len(signed) >= (needed := quorum_of(len(seats))):
                bundle = encode_bundle({seat: signed[seat] for seat in sorted(signed)[:needed]})
                return send_unless_overtaken(self._sender, mirror.advance(message, signers, bundle=bundle)) is not None
        return False


def begin_mirrors(ledger: Ledger, sender: TransactionSender) -> list[ShardIndex]:
    """Send the first message to the mirrors that have none, while a round is open; the sender is the deployer.

    Raises:
        ContractReverted: the sender is not the deployer.
    """
    context, begun = ledger.beacon.context(), []
    if context.phase is Phase.IDLE:
        return []
    for shard in shards_of(ledger):
        with tolerating_shard(ledger, shard):
            mirror = ledger.mirrors[shard]
            if mirror.mirrored() is None:
                message = compute_message(ledger, shard, round_number=context.round, previous=RoundNumber(0))
                if send_unless_overtaken(sender, mirror.begin(message)) is not None:
                    begun.append(shard)
    return begun


def admit_clients(ledger: Ledger, sender: TransactionSender, clients: Sequence[ParticipantId]) -> int:
    """Prove to every mirror the clients that its shard has now; return how many were new to theirs."""
    count = 0
    for shard in shards_of(ledger):
        with tolerating_shard(ledger, shard):
            outcomes = sender.send_many(admissions(ledger, shard, clients))
            for outcome in outcomes:
                if isinstance(outcome, ChainError) and not _is_overtaken(outcome):
                    raise outcome
            count += len(outcomes)
    return count


def _is_overtaken(outcome: ChainError) -> bool:
    return isinstance(outcome, ContractReverted) and outcome.name in OVERTAKEN
