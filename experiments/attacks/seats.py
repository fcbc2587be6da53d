"""Attacks by validators: silence, censorship, false aggregates, two words for one turn, false models, others' slots."""

from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from eth_utils.crypto import keccak

from experiments.attacks.clients import NO_BOUND, Withholding
from qfl.chain.contracts.beacon import Phase
from qfl.chain.contracts.draw import Duty
from qfl.errors import ContractReverted
from qfl.node.context import Step
from qfl.node.relay import send_unless_overtaken
from qfl.protocol.content import Content, content_digest, decode, encode, lanes_root
from qfl.protocol.recompute import ShardResult
from qfl.protocol.types import Checkpoint, RoundNumber, VerifiedUpdate
from qfl.quorum.lms import encode_bundle
from qfl.validator.seat import Seat
from qfl.validator.validator import Validator

HIDDEN_LANE = 20_000
"""What colluders say that every coordinate of an update nobody else has is."""


def moved(content: Content, by: int) -> Content:
    """The content with its first coordinate moved."""
    lanes = content.lanes.copy()
    lanes[0] += by
    return replace(content, lanes=lanes)


def falsify(result: ShardResult, by: int = 1) -> ShardResult:
    """The result with its first coordinate moved, and with root and digest that fit; the model stays as it was."""
    content = moved(decode(result.content), by)
    data = encode(content)
    checkpoint = replace(result.checkpoint, aggregate_root=lanes_root(content), content_digest=content_digest(data))
    return replace(result, checkpoint=checkpoint, content=data)


class Silent(Validator):
    """Holds its seats and does nothing; it does not publish either."""

    def verify(self, duty: Duty) -> bool:
        """Nothing."""
        return False

    def publish(self, round_number: RoundNumber) -> bool:
        """Nothing."""
        return False


class SeatedAttacker(Validator):
    """Attacks from its seat only: it leaves publishing to others."""

    def publish(self, round_number: RoundNumber) -> bool:
        """Nothing."""
        return False


def attacker_in(seat: type[Seat]) -> type[SeatedAttacker]:
    """Who behaves in its seat as this one does, alone or as one of several colluders."""
    return type(f"{seat.__name__}Attacker", (SeatedAttacker,), {"seat_kind": seat})


# --- one seat ------------------------------------------------------------------------------------------------


class CensoringSeat(Seat):
    """Leaves out the first update that was revealed."""

    def _result(self, turn: int, updates: list[VerifiedUpdate]) -> ShardResult:
        return super()._result(turn, updates[1:])


class LyingSeat(Seat):
    """Proposes and attests an aggregate that is wrong in one coordinate."""

    def _result(self, turn: int, updates: list[VerifiedUpdate]) -> ShardResult:
        return falsify(super()._result(turn, updates))


class MinoritySeat(LyingSeat):
    """Brings its false checkpoint to the beacon with the one signature it has, and with that one in every seat."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._was_refused = False

    def _carry(self, signatures: Mapping[Checkpoint, Mapping[int, bytes]]) -> bool:
        own = [(checkpoint, said[self._seat]) for checkpoint, said in signatures.items() if self._seat in said]
        if own and not self._was_refused:
            checkpoint, signature = own[0]
            copies = dict.fromkeys(range(self._attestation_pool.quorum), signature)
            for bundle in ({self._seat: signature}, {**copies, self._seat: signature}):
                call = self._ledger.beacon.submit_checkpoint(checkpoint, encode_bundle(bundle))
                with suppress(ContractReverted):
                    self._sender.send(call)
            self._was_refused = True
        return False


class EquivocatingSeat(Seat):
    """Proposes two different checkpoints in its turn, both of them false, so that neither helps the others."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._told: set[int] = set()

    def step(self) -> bool:
        """Say both, once."""
        updates = self._update_pool.fetch(self._seat, ())
        if self._turn() != self._seat or not updates:
            return False
        sent = False
        for lie in (1, 2):
            checkpoint = falsify(self._result(self._seat, updates), lie).checkpoint
            signature = self._signer.sign_once(f"round {self._round} lie {lie}", self._round, self._message(checkpoint))
            if signature is not None and lie not in self._told:
                self._told.add(lie)
                call = self._shard.propose(checkpoint, signature, validator=self._validator)
                sent |= send_unless_overtaken(self._sender, call) is not None
        return sent


# --- two thirds of the seats ---------------------------------------------------------------------------------


class UnopenableSeat(Seat):
    """Attests roots and digests of an aggregate that nobody has ever seen."""

    def _result(self, turn: int, updates: list[VerifiedUpdate]) -> ShardResult:
        result = super()._result(turn, updates)
        root, digest = keccak(b"no such aggregate"), keccak(b"no such content")
        return replace(result, checkpoint=replace(result.checkpoint, aggregate_root=root, content_digest=digest))


class LyingModelSeat(Seat):
    """Attests the right aggregate, and a next model that is wrong in one coordinate."""

    def _result(self, turn: int, updates: list[VerifiedUpdate]) -> ShardResult:
        result = super()._result(turn, updates)
        assert result.model is not None, "its shard is the only one"
        model = moved(result.model, 1)
        digest = content_digest(encode(model))
        checkpoint = replace(result.checkpoint, model_root=lanes_root(model), model_digest=digest)
        return replace(result, checkpoint=checkpoint, model=model)


class UnopenableModelSeat(Seat):
    """Attests root and digest of a next model that nobody has ever seen."""

    def _result(self, turn: int, updates: list[VerifiedUpdate]) -> ShardResult:
        result = super()._result(turn, updates)
        root, digest = keccak(b"no such model"), keccak(b"no such content")
        return replace(result, checkpoint=replace(result.checkpoint, model_root=root, model_digest=digest))


class PhantomSeat(Seat):
    """Includes one update more than were revealed, made up on the spot."""

    def _result(self, turn: int, updates: list[VerifiedUpdate]) -> ShardResult:
        last = updates[-1]
        lanes = np.full_like(last.lanes, 100)
        root, digest = keccak(b"phantom root"), keccak(b"phantom content")
        phantom = replace(last, index=last.index + 1, update_root=root, content_digest=digest, lanes=lanes)
        return super()._result(turn, [*updates, phantom])

    def _is_listed(self, checkpoint: Checkpoint) -> bool:
        return True


class LenientSeat(Seat):
    """Knows no norm bound."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._spec = replace(self._spec, norm_bound=NO_BOUND)


class HidingSeat(Seat):
    """Includes revealed updates that nobody else can fetch, as whatever it says they are."""

    def _result(self, turn: int, updates: list[VerifiedUpdate]) -> ShardResult:
        shown, lanes = {update.index for update in updates}, np.full_like(updates[0].lanes, HIDDEN_LANE)
        hidden = [
            VerifiedUpdate(reveal.index, reveal.client, reveal.update_root, reveal.content_digest, lanes)
            for reveal in self._part.reveals()
            if reveal.index not in shown
        ]
        return super()._result(turn, [*updates, *hidden])

    def _liable_for(self, checkpoint: Checkpoint) -> set[bytes]:
        return set()


# --- before the fault is proven, and after the checkpoint --------------------------------------------------------


class Leaver(SeatedAttacker):
    """Attests a false aggregate and then asks for its stake back."""

    seat_kind = LyingSeat
    _has_left = False

    def verify(self, duty: Duty) -> bool:
        """Attest, ask to leave, and try to be paid at once."""
        acted = super().verify(duty)
        if acted and not self._has_left:
            staking, validator = self._ledger.staking, self.participant
            nonce = staking.participant(validator).nonce
            digest = self._ledger.staking_domain.exit(validator, nonce)
            signature = self._signer.sign_once(f"exit {nonce}", duty.round, digest)
            if signature is not None:
                self._sender.send(staking.request_exit(validator, signature))
            self._has_left = True
            with suppress(ContractReverted):
                self._sender.send(staking.withdraw(validator))
        return acted


class LyingPublisher(Validator):
    """Attests what is right, and publishes a model that is wrong in one coordinate when its slot comes."""

    falsehood = 1
    """What it adds there."""

    def _next_model(self, round_number: RoundNumber, accepted: Sequence[Checkpoint]) -> Content:
        return moved(super()._next_model(round_number, accepted), self.falsehood)


class WithholdingPublisher(LyingPublisher):
    """Publishes a false model and keeps it to itself, so that nobody can open the coordinate that is wrong."""

    falsehood = 2  # no other attack has stored this model

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._store = Withholding(self._store)


class PublicationCopier(Validator):
    """Publishes in another's slot, before it does, what that one will: anybody can copy that, or compute it."""

    def step(self, phases: Container[Phase] = tuple(Phase)) -> Step:
        """As an honest one, but publish whosever slot it is."""
        context = self._ledger.beacon.context()
        if context.phase is Phase.PUBLISH and Phase.PUBLISH in phases:
            self.publish(context.round)
        return super().step(phases)
