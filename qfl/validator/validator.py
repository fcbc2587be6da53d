"""A validator: opens rounds, sits in committees, publishes models. `step` does the next thing that the beacon asks for.

The same code runs in `qfl run` and in `qfl validator run`. Every signature is on disk before
it is sent, and a seat signs at most one checkpoint for each turn: a restarted validator repeats itself, it never
equivocates.
"""

import logging
import time
from collections.abc import Container, Sequence
from dataclasses import replace
from functools import partial

from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.draw import Duty, ValidatorDuty
from qfl.chain.contracts.staking import Role
from qfl.chain.mirroring import MirrorVerifier
from qfl.crypto.kem import KemKey
from qfl.errors import ContractReverted, ShardUnreachable
from qfl.node.context import QUIET, NodeContext, Step
from qfl.node.demands import Answering
from qfl.node.journal import JOURNAL, Signer
from qfl.node.leaves import LeafCheck
from qfl.node.pruner import Pruner, Retention, committee_contents
from qfl.node.recompute import recompute_model
from qfl.node.relay import send_unless_overtaken
from qfl.node.settlement import charge_due, settle_due
from qfl.protocol.content import Content, content_digest, encode, lanes_root
from qfl.protocol.digests import checkpoints_hash
from qfl.protocol.state import count_saturated
from qfl.protocol.types import Checkpoint, ParticipantId, RoundNumber, ShardIndex
from qfl.validator.linker import NEEDS_CHANGES, Linker
from qfl.validator.mirror_keeper import Keeper
from qfl.validator.seat import SATURATED, Seat
from qfl.validator.selection import Scorer

log = logging.getLogger(__name__)

CANNOT_OPEN_YET = (*NEEDS_CHANGES, "TooManyUnsettled")
"""Refusals to open a round that time will heal."""
DEMANDS_SECONDS = 10.0
"""How long it does not ask for demands again while nothing else changes."""
INACTIVE = "participant %d is not active: it has asked to leave, or its stake is below the minimum"


class Validator:
    """One validator, its key, and its seat in the current round."""

    seat_kind: type[Seat] = Seat
    """How it behaves in a seat."""
    _looked_in: tuple[ValidatorDuty, RoundNumber] | None = None
    _looks_again_at = 0.0

    def __init__(
        self,
        context: NodeContext,
        participant: ParticipantId,
        *,
        kem: KemKey | None = None,
        scorer: Scorer | None = None,
    ) -> None:
        """`kem` opens updates in a private deployment, as `set_up_encryption` returns it. `scorer` judges updates;
        without one it takes all.
        """
        self.participant, self.kem, self._scorer, self._context = participant, kem, scorer, context
        ledger, key, folder = context.ledger, context.key, context.folder
        self._ledger, self._sender, self._store = ledger, context.sender, context.store
        self._signer = Signer(key, folder / JOURNAL)
        self._pruner = Pruner(ledger, self._store, folder)
        self._mirror_verifier, self._false_shards = MirrorVerifier(ledger), set[ShardIndex]()
        self._leaves = LeafCheck(ledger, participant, Role.VALIDATOR, key)
        self._keeper = Keeper(
            participant,
            ledger,
            sender=self._sender,
            signer=self._signer,
            check_leaf=self._leaves.in_shard,
            pubsub=context.pubsub,
        )
        self._seat: tuple[Duty, Seat] | None = None
        self._seat_of: object = None
        self._looked_for_seat: object = None
        self._claimed = RoundNumber(0)
        self._linker = Linker(context, participant)
        self._answering = Answering(ledger, context.sender, self._store, participant)

    def step(self, phases: Container[Phase] = tuple(Phase)) -> Step:
        """Do the next thing; one that belongs to another phase of the beacon than `phases` is left for later.

        Raises:
            QflError: as what the step does.
        """
        if Phase.COMMIT in phases and self.keep_mirrors():
            return Step(True)
        has_drawn = self.keep_draw(phases)
        duty = self.duty()
        self._claim_seat(duty)
        step = self._do(duty, phases)
        has_shown = self._looks_for_demands(duty) and self.answer_demands()
        return replace(step, has_acted=True) if has_drawn or has_shown else step

    def _do(self, duty: Duty, phases: Container[Phase]) -> Step:
        match duty.kind:
            case ValidatorDuty.OPEN_ROUND if Phase.IDLE in phases:
                return self._settle_and_open(RoundNumber(duty.round + 1))
            case ValidatorDuty.WAIT if Phase.REVEAL in phases:
                self._look_if_answered(duty.round)
                return Step(note=self._place(duty.round))
            case ValidatorDuty.VERIFY if Phase.CHECKPOINT in phases:
                return Step(self.verify(duty), self._place(duty.round))
            case ValidatorDuty.PUBLISH if Phase.PUBLISH in phases:
                return Step(True, f"round {duty.round}: published") if self.publish(duty.round) else QUIET
            case ValidatorDuty.NOT_ACTIVE:
                return Step(note=INACTIVE % self.participant)
        return QUIET

    def duty(self) -> Duty:
        """What the beacon asks of this validator now."""
        return self._ledger.draw.validator_duty(self.participant)

    def settle(self) -> list[RoundNumber]:
        """Make every model final whose challenge window has passed, and return their rounds."""
        return settle_due(self._ledger, self._sender)

    def charge(self, round_number: RoundNumber) -> None:
        """Charge who committed in a round that is over and did not reveal."""
        charge_due(self._ledger, self._sender, round_number)

    def open_round(self) -> bool:
        """Open the next round; False when somebody else did.

        Raises:
            ContractReverted: too few validators are bonded, too many have left whose stakes still count, or too many
                models wait for finality.
        """
        call = replace(self._ledger.beacon.open_round(), participant=self.participant)
        opened = send_unless_overtaken(self._sender, call) is not None
        self.keep_draw([Phase.COMMIT])
        return opened

    def let_changes_count(self) -> bool:
        """Let stakes that wait count early, more than an opening does by itself; True when some did."""
        return self._linker.let_changes_count()

    def answer_demands(self) -> bool:
        """Show what is demanded of what this validator attested or published; True when something was shown."""
        return self._answering.step()

    def keep_draw(self, phases: Container[Phase] = tuple(Phase)) -> bool:
        """Show this validator's link in its slot, and see that all seats are drawn; True when something was sent."""
        return self._linker.step(phases)

    def keep_mirrors(self) -> bool:
        """Help to bring the round to the shards on chains of their own; True when something was sent."""
        return self._keeper.step()

    def look(self, round_number: RoundNumber) -> None:
        """Take this validator's seat in an open round, if it has one, and check what is revealed by now.

        Raises `ChainUnreachable`, `StoreUnreachable`.
        """
        if self._looked_for_seat != (round_number, self._ledger.round(round_number).opening):
            for part in self._ledger.round(round_number).shards():
                shard, committee = part.index, part.committee()
                if self.participant in committee:
                    seat = committee.index(self.participant)
                    self._sit(Duty(ValidatorDuty.VERIFY, round_number, shard, seat, deadline=0))
            self._looked_for_seat = round_number, self._ledger.round(round_number).opening
        if self._seat is not None and self._seat[0].round == round_number:
            self._mirror_verifier.find_falsehood(self._seat[0].shard)  # it counts when there is something to say
            self._seat[1].look()

    def verify(self, duty: Duty) -> bool:
        """Act in this round's committee; True when something was sent. A shard whose mirror is false has none."""
        if (falsehood := self._mirror_verifier.find_falsehood(duty.shard)) is not None:
            if duty.shard not in self._false_shards:
                self._false_shards.add(duty.shard)
                log.warning("validator %d takes no part: %s", self.participant, falsehood)
            return False
        if self._ledger.mirrors:  # its chain may have been down when this validator started
            self._leaves.in_shard(duty.shard)
        return self._sit(duty).step()

    def publish(self, round_number: RoundNumber) -> bool:
        """Compute, store and publish the round's model, in this validator's slot; False when somebody else did."""
        accepted = [entry.checkpoint for entry in self._ledger.round(round_number).accepted_in_order()]
        model = self._next_model(round_number, accepted)
        if saturated := count_saturated(model.lanes, model.shape):
            log.warning("round %d: " + SATURATED, round_number, saturated, model.shape.classical)
        data, root = encode(model), lanes_root(model)
        digest = content_digest(data)
        domain = self._ledger.beacon_domain
        hashed = checkpoints_hash(domain.checkpoint(checkpoint) for checkpoint in accepted)
        message = domain.publication(
            round_number, self.participant, model_root=root, content_digest=digest, checkpoints=hashed
        )
        signature = self._signer.sign_once(f"publication {round_number}", round_number, message)
        if signature is None:  # base or checkpoints changed after this validator had signed: leave it to others
            return False
        self._store.put(data)
        call = self._ledger.beacon.publish(
            round_number, self.participant, root=root, digest=digest, signature=signature
        )
        return send_unless_overtaken(self._sender, call) is not None

    def release(self, retention: Retention) -> bool:
        """Let go of the stored aggregates and models, and of the signatures, that nobody needs any more.

        True when there were any.
        """
        released = self._pruner.step(retention, partial(committee_contents, self._ledger))
        if released:
            self._signer.release(self._pruner.released)
        return released

    def _claim_seat(self, duty: Duty) -> None:
        """Once its committee is through, see that an attestation the bundle left out counts all the same."""
        if self._seat is None or self._claimed == self._seat[0].round:
            return
        sat_in = self._seat[0].round
        if duty.round > sat_in or duty.kind in (ValidatorDuty.PUBLISH, ValidatorDuty.OPEN_ROUND):
            self._seat[1].claim()
            if not self._seat[1].claims_later:
                self._claimed = sat_in

    def _settle_and_open(self, number: RoundNumber) -> Step:
        self.settle()
        if number > 1:
            self.charge(RoundNumber(number - 1))
        try:
            return Step(True, f"round {number}: opened") if self.open_round() else QUIET
        except ContractReverted as refusal:
            if refusal.name not in CANNOT_OPEN_YET:
                raise
            if refusal.name in NEEDS_CHANGES and self.let_changes_count():
                return Step(True, f"round {number}: stakes that waited count now: {refusal.name}")
            return Step(note=f"round {number} cannot be opened yet: {refusal}", refusal=refusal)

    def _looks_for_demands(self, duty: Duty) -> bool:
        """Whether something changed since it last looked, or that was a while ago."""
        now, is_new = time.monotonic(), (duty.kind, duty.round) != self._looked_in
        if not is_new and now < self._looks_again_at:
            return False
        self._looked_in, self._looks_again_at = (duty.kind, duty.round), now + DEMANDS_SECONDS
        return True

    def _look_if_answered(self, number: RoundNumber) -> None:
        try:
            self.look(number)
        except ShardUnreachable as fault:
            log.debug("round %d: nothing to see yet: %s", number, fault)

    def _place(self, number: RoundNumber) -> str:
        """Where it sits in a round, if it does."""
        if self._seat is None or self._seat[0].round != number:
            return ""
        return f"round {number}: in seat {self._seat[0].seat} of shard {self._seat[0].shard}"

    def _sit(self, duty: Duty) -> Seat:
        sits_in = duty.round, duty.shard, duty.seat, self._ledger.round(duty.round).opening
        if self._seat is None or self._seat_of != sits_in:
            seat = self.seat_kind(
                self._context,
                duty,
                validator=self.participant,
                signer=self._signer,
                kem=self.kem,
                scorer=self._scorer,
            )
            if self._seat is not None:
                self._seat[1].leave()
            self._seat, self._seat_of = (duty, seat), sits_in
        return self._seat[1]

    def _next_model(self, round_number: RoundNumber, accepted: Sequence[Checkpoint]) -> Content:
        """What this validator publishes after these checkpoints."""
        return recompute_model(self._ledger, self._store, round_number, accepted).model
