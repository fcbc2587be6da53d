"""Who keeps the mirrors: the deployer sends the first message, the committee in a mirror signs each later one.

A mirror that cannot be brought to a round, because its chain is down or too few of its committee sign, misses that
round alone. With the next one it is up to date again: a message is relative to what its mirror shows.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.mirror import Mirror
from qfl.chain.ledger import Ledger, tolerating_shard
from qfl.chain.mirroring import admissions, compute_message
from qfl.chain.rpc.connection import time_of
from qfl.chain.rpc.sender import TransactionSender
from qfl.errors import ChainError, ContractReverted
from qfl.node.journal import Signer
from qfl.node.relay import OVERTAKEN, send_unless_overtaken
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
        seats = [seat for _, members in committees for seat in members]
        own = next((seat for seat in seats if seat.validator == self._validator), None)
        if own is None:
            return False
        message = compute_message(self._ledger, shard, round_number=number, previous=shown.round)
        digest = self._ledger.mirror_domains[shard].mirror_message(message)
        # Of a validator that sits in several, the key in the latest.
        keys: dict[int, LmsPublicKey] = {seat.validator: seat.key for seat in reversed(seats)}
        tally = Tally(LmsScheme(self._ledger), keys, digest=digest)
        said = mirror.countersignatures(number, self._ledger.deployment.chains[shard].block)
        tally.add((one.validator, one.signature) for one in said if one.digest == digest)
        sent = False
        # A key that was replaced after it was mirrored signs nothing that the mirror takes.
        if own.validator not in tally.signatures and own.key == self._signer.public:
            self._check_leaf(shard)
            name = f"mirror of shard {shard} from {shown.round} to {number}"
            if (signature := self._signer.sign_once(name, number, digest)) is not None:
                call = mirror.countersign(number, own.validator, digest=digest, signature=signature)
                sent = send_unless_overtaken(self._sender, call) is not None
                if sent:
                    tally.signatures[own.validator] = signature
        given = tally.signatures
        valid = {s: given[s.validator] for s in seats if s.validator in given and s.key == keys[s.validator]}
        return self._carry(mirror, message, committees=committees, signatures=valid) or sent

    def _carry(
        self,
        mirror: Mirror,
        message: MirrorMessage,
        *,
        committees: Iterable[tuple[RoundNumber, Sequence[MirrorSeat]]],
        signatures: Mapping[MirrorSeat, bytes],
    ) -> bool:
        """Bring the message to the mirror, with the first committee that has a quorum for it."""
        for signers, seats in committees:
            signed = {i: signatures[seat] for i, seat in enumerate(seats) if seat in signatures}
            if len(signed) >= (needed := quorum_of(len(seats))):
                bundle = encode_bundle({seat: signed[seat] for seat in sorted(signed)[:needed]})
                return send_unless_overtaken(self._sender, mirror.advance(message, signers, bundle=bundle)) is not None
        return False


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
