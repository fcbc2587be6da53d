"""A validator's seat in a committee: check updates as they are revealed, sign the result, carry the bundle.

A seat that could read every update signs its own result for turn 0 at once, and waits for nobody: honest seats that
hold the same bytes have the same result. They tell each other by gossip, and the first of those who signed brings the
bundle to the beacon; whom that does not reach within a quarter of the turn, or who has no gossip, is told on chain.
There, all but one of a quorum announce theirs, and the one that then completes it brings the bundle. Only who could not
read everything waits to see what a proposer includes, and so does who has an opinion of its own; turns after the first
are for what the first could not settle.

A checkpoint names updates by their numbers on the shard's chain, and all that was revealed there by its hash, so right
before it signs a seat reads the reveals again: after a reorganisation it signs and brings along what they are now.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from qfl.chain.contracts.beacon import RoundState
from qfl.chain.contracts.draw import Duty
from qfl.chain.contracts.shard import Attested
from qfl.chain.rpc.sender import UnsentCall
from qfl.crypto.kem import KemKey
from qfl.errors import ContentUnusable, ContractReverted, ModelRejected, UpdateRejected
from qfl.node.context import NodeContext
from qfl.node.journal import Signer
from qfl.node.recompute import read_base, read_carrying_base, read_updates
from qfl.node.relay import send_unless_overtaken
from qfl.node.standing import read_histories
from qfl.node.updates import fetchers
from qfl.protocol.content import Content
from qfl.protocol.digests import reveals_hash
from qfl.protocol.recompute import ShardResult, expected_checkpoint, has_revealed_list, included_in, update_leaves
from qfl.protocol.state import count_saturated
from qfl.protocol.types import Checkpoint, ParticipantId, Reveal, VerifiedUpdate
from qfl.protocol.votes import TURNS, list_hash
from qfl.quorum.quorum import scheme_of
from qfl.validator.attestation_pool import AttestationPool
from qfl.validator.ballot import Ballot, VotingBooth, booth_for
from qfl.validator.gossip import PATIENCE_SECONDS, CommitteeGossip
from qfl.validator.selection import LENIENT, Scorer, SelectionPolicy
from qfl.validator.update_pool import UpdatePool

log = logging.getLogger(__name__)

GWEI = 10**9
Named = tuple[tuple[int, bytes], ...]
"""Updates by number and leaf."""
SATURATED = (
    "%d of the model's %d weights are at their limit, about +-128, and go no further: lower training.learning_rate, or "
    "leave out model.head"
)
KEY_CHANGED = "NoQuorum"
"""The refusal of a bundle that was good: a seat has replaced its key since."""


class Seat:
    """One validator's seat in one round. Every call of `step` reads the chain afresh; only what was fetched is kept."""

    def __init__(
        self,
        context: NodeContext,
        duty: Duty,
        *,
        validator: ParticipantId,
        signer: Signer,
        kem: KemKey | None = None,
        scorer: Scorer | None = None,
    ) -> None:
        """`signer` signs attestations; `scorer` judges updates: without one, all that pass the checks are included."""
        ledger = context.ledger
        self._scorer, self._policies = scorer, dict[Named, SelectionPolicy]()
        self._is_prepared = False
        self._validator, self._duty, self._seat, self._round = validator, duty, duty.seat, duty.round
        self._kem = [] if kem is None else [kem]
        self._ledger, self._sender, self._store, self._signer = ledger, context.sender, context.store, signer
        self._part = ledger.round(duty.round).shard(duty.shard)
        self._shard, self._spec, self._context = self._part.contract, self._part.spec(), ledger.beacon.context()
        self._attestation_pool = AttestationPool(self._part)
        self._update_pool = UpdatePool(self._part, self._read)
        self._results: dict[tuple[int, Named, bytes], ShardResult] = {}
        self._has_waited: set[int] = set()
        self._has_listened: set[int] = set()
        self._said: dict[Checkpoint, bytes] = {}
        self._withdrawn: set[Checkpoint] = set()
        self._left_to_others: set[Checkpoint] = set()
        self._decided: set[Checkpoint] = set()
        self._booth: VotingBooth | None = None
        if context.pubsub is not None:
            self._booth = booth_for(
                ledger,
                self._attestation_pool.committee,
                validator=validator,
                folder=context.folder,
                round_number=duty.round,
            )
        self._ballots: dict[Checkpoint, Ballot | None] = {}
        # Last: who listens has to leave, and nobody else would where something before it fails.
        self._gossip: CommitteeGossip | None = None
        if context.pubsub is not None:
            seats = len(self._attestation_pool.committee)
            self._gossip = self._attestation_pool.gossip = CommitteeGossip(context.pubsub, self._part, seats)
        self._carried: set[Checkpoint] = set()
        self.claims_later = False
        self._complaints: set[str] = set()
        self._kept: set[bytes] = set()
        self._stored: set[bytes] = set()
        self._base: Content | None = None

    def look(self) -> None:
        """Do ahead what can be done while nothing can be said yet.

        Fetch, check and keep what is revealed by now, read what the next model builds on, form what an opinion needs.
        """
        updates = self._update_pool.fetch(0, ())
        with suppress(ContentUnusable, ModelRejected):  # said when it is needed, and cannot be had then either
            if self._ledger.norm_verifier(self._spec.shard) is None:
                kept = {update.content_digest for update in updates}
                list(fetchers().map(self._store.pin, kept - self._kept))
                self._kept |= kept
            self._carried_base()
        if self._scorer is not None and not self._is_prepared:
            self._is_prepared = True
            self._scorer.prepare(read_base(self._ledger, self._store, self._round), self._spec)

    def step(self) -> bool:
        """Do what can be done now; True when something was said or sent.

        Once it has said its part by gossip, it gives the others a moment to say theirs; and one that is not needed
        gives them one before it speaks in place of somebody else.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        acted = self._act()
        while not acted and self._hears_others(until - time.monotonic()):
            acted = self._act()
        if not acted and not self._decided and self._turn() in self._has_waited - self._has_listened:
            self._has_listened.update(self._has_waited)
            acted = self._act()
        if not acted:
            if self._gossip is not None and not self._decided:
                self._gossip.repeat()
            self._has_waited.update(range(self._turn() + 1))
            self._left_to_others |= self._decided
        return acted

    def leave(self) -> None:
        """Take no part any more."""
        if self._gossip is not None:
            self._gossip.close()

    def _act(self) -> bool:
        # A shard's own chain may have fallen back, and have shown the round in another block since.
        self._part = self._part.round.shard(self._spec.shard)
        pool = self._attestation_pool
        pool.part = self._update_pool.part = self._part
        turn = self._turn()
        if self._gossip is not None:
            self._gossip.hear()
        pool.reads_chain = self._gossip is None or turn in self._has_waited
        proposed = pool.proposed(turn)
        updates = self._update_pool.fetch(turn, [checkpoint.included for checkpoint in proposed.values()])
        if not updates:
            return False
        own = self._own_results(turn, proposed, updates=updates)
        signatures = pool.announced([*proposed.values(), *(result.checkpoint for result in own)])
        for checkpoint in signatures.keys() & self._said.keys() - self._withdrawn:
            signatures[checkpoint][self._seat] = self._said[checkpoint]
        sent = False
        for result in own:
            said, ballot = signatures[result.checkpoint], self._ballot_of(result.checkpoint)
            if ballot is not None:
                sent |= self._vote(result, ballot, is_asked_again=turn in self._has_waited)
            elif result.checkpoint in self._said:
                sent |= self._repeat(result.checkpoint, said)
            elif self._seat not in said:
                sent |= self._say(result, said)
        self._decided = {checkpoint for checkpoint, said in signatures.items() if len(said) >= pool.quorum}
        # Who has just shown its key looks once more before it carries the quorum: keys that come then are not left out.
        voted = {one: ballot for one, ballot in self._ballots.items() if ballot and ballot.bundle() is not None}
        self._decided |= {one for one, ballot in voted.items() if ballot.is_opened or not sent}
        return self._carry(signatures) or sent

    def claim(self) -> bool:
        """Show an attestation that the accepted bundle left out, where its reward is worth the gas; True when sent.

        It counts until the model is final, also under a key that was replaced since. `claims_later` tells whether it
        is to be asked for again: who knows later than the others what is final opens its vote later.
        """
        self.claims_later = False
        accepted, record = self._part.accepted(), self._part.checkpoint()
        if accepted is None or not record.stands or record.attested >> self._seat & 1:
            return False
        if self._part.round.record().state is RoundState.VOID:  # nothing is paid, also where its own checkpoint stands
            return False
        if (evidence := self._evidence(accepted.checkpoint, record.digest)) is None:
            return False
        call = self._ledger.beacon.add_attestation(self._duty, self._validator, *evidence)
        reward_wei = self._ledger.beacon.parameters_of(self._round)["seatRewardGwei"] * GWEI
        try:
            if self._sender.dry_run(call) * self._ledger.gas_price() > reward_wei:
                return False
        except ContractReverted as refusal:
            log.debug("validator %d, round %d: %s", self._validator, self._round, refusal)
            return False
        return send_unless_overtaken(self._sender, call) is not None

    def _evidence(self, checkpoint: Checkpoint, digest: bytes) -> tuple[int, bytes] | None:
        """Number of the key, and this seat's attestation of a checkpoint under it; None where it has none.

        An opened vote, or else what it has signed.
        """
        ballot = self._ballots.get(checkpoint)
        if ballot is not None and (opened := ballot.attestation()) is not None:
            return ballot.quorum.chain_count(self._validator) - 1, opened
        self.claims_later = ballot is not None and ballot.may_open_later()
        signature = self._signer.signed(self._name(checkpoint), self._message(checkpoint))
        if signature is None:
            return None
        scheme, committee = scheme_of(self._ledger), self._attestation_pool.committee
        own = {self._seat: scheme.attestation(signature)}
        keys = scheme.keys_since(self._validator, self._ledger.round(self._round).record().reveal_ends_at)
        for index, key in keys.items():
            if scheme.valid({self._seat: key}, digest, committee=committee, signatures=own):
                return index, own[self._seat]
        return None

    def _own_results(
        self, turn: int, proposed: Mapping[int, Checkpoint], *, updates: list[VerifiedUpdate]
    ) -> list[ShardResult]:
        """What this seat signs, by turn: its own result in the first turn and its own, others' if it accepts them."""
        policy = self._judge(updates)
        turns = {0} if policy.is_shared and self._update_pool.is_complete else set()
        if turn == self._seat:
            turns.add(turn)
        results = {number: self._result_in(number, policy.choose(updates)) for number in turns}
        for number, checkpoint in proposed.items():
            expected = self._result_in(number, policy.choose(updates))
            if checkpoint != expected.checkpoint and policy.accepts(updates, checkpoint.included, turn=number):
                expected = self._result_in(number, [one for one in updates if checkpoint.included >> one.index & 1])
            if checkpoint == expected.checkpoint:
                results[number] = expected
            else:
                self._complain(f"what seat {number} proposes is not the result of the revealed updates")
        return [results[number] for number in sorted(results)]

    def _judge(self, updates: list[VerifiedUpdate]) -> SelectionPolicy:
        """What this seat thinks of the updates, formed once for the same ones."""
        if self._scorer is None:
            return LENIENT
        key = _named(updates)
        if key not in self._policies:
            base = read_base(self._ledger, self._store, self._round)
            histories = read_histories(self._ledger, self._round)
            self._policies[key] = self._scorer.of(updates, base, spec=self._spec, histories=histories)
        return self._policies[key]

    def _read(self, reveals: list[Reveal]) -> tuple[list[VerifiedUpdate], list[UpdateRejected]]:
        """Fetch, open and check updates; none when they are sealed, and this seat had named no key in time."""
        found = read_updates(self._part, self._spec, self._store, reveals, self._kem)
        if found is None:
            self._complain("the updates are sealed, and no key of this seat was on chain when the round was opened")
            return [], []
        for rejection in found[1]:
            self._complain(str(rejection))
        return found

    def _turn(self) -> int:
        """Whose turn it is to propose; the last seat's lasts to the end of the phase."""
        last = len(self._attestation_pool.committee) - 1
        return max(0, min(self._context.turn_at(self._ledger.now()), last))

    def _say(self, result: ShardResult, signatures: dict[int, bytes]) -> bool:
        """Sign a result, and tell the others, unless the quorum is complete with it: then the bundle says it.

        Only as many speak as are needed. On chain, who is to complete the quorum stores the result meanwhile.
        """
        checkpoint, quorum = result.checkpoint, self._attestation_pool.quorum
        if self._gossip is not None and len(signatures) >= quorum:
            return False
        completes = len(signatures) + 1 >= quorum
        speaks = (completes and self._gossip is None) or self._speaks_now(checkpoint.turn)
        if not speaks and self._place(checkpoint.turn) >= quorum:
            return False
        signature = self._promise(result, lambda: self._sign(checkpoint) if speaks else None)
        if signature is None:  # or another checkpoint was signed for this turn before a restart: the turn is lost
            return False
        signatures[self._seat] = signature
        if completes and self._is_to_carry(checkpoint, signatures):
            return False
        if self._gossip is None:
            if completes or self._attestation_pool.is_on_chain(checkpoint, self._seat, signature):
                return False
            return self._announce(checkpoint, signature)
        if self._tell(checkpoint, signature):
            self._said[checkpoint] = signature
        return True

    def _promise(self, result: ShardResult, sign: Callable[[], bytes | None]) -> bytes | None:
        """What `sign` returns, once all is stored that the signature promises to show; None where that cannot be."""
        if not self._update_pool.is_current():  # the next step takes up what the chain shows now
            self._complain("the chain was reorganised, so nothing is signed before its reveals are read again")
            return None
        new, unkept = set(result.contents) - self._stored, self._liable_for(result.checkpoint) - self._kept
        storing = fetchers().map(self._store.put, new)  # signing waits for the disk meanwhile
        pinning = fetchers().map(self._store.pin, unkept)
        signature = sign()
        list(storing)
        self._stored |= new
        try:
            list(pinning)
        except ContentUnusable as error:
            self._complain(f"nothing is said, as an update that it includes is gone: {error}")
            return None
        self._kept |= unkept
        return signature

    def _tell(self, checkpoint: Checkpoint, said: bytes) -> bool:
        """Tell the others by gossip; where there is none, the next step does without, and this is False."""
        assert self._gossip is not None
        if self._gossip.say(self._words(checkpoint, said)):
            return True
        self._gossip.close()
        self._gossip = self._booth = None
        return False

    def _ballot_of(self, checkpoint: Checkpoint) -> Ballot | None:
        """The votes for a checkpoint; None where it is to be signed."""
        if self._booth is None or checkpoint.turn >= TURNS:
            return None
        if checkpoint not in self._ballots:
            digest = self._ledger.beacon_domain.checkpoint(checkpoint)
            made = Ballot(self._booth, digest, self._round, checkpoint.turn)
            self._ballots[checkpoint] = made if self._booth.is_in_time(made.window) else None
        if (ballot := self._ballots[checkpoint]) is None:
            return None
        self._hear(checkpoint, ballot)  # also when it has failed: a list that was posted in time may be heard later
        return None if ballot.has_failed() else ballot

    def _hear(self, checkpoint: Checkpoint, ballot: Ballot) -> None:
        """Take in what the others have told of the votes for a checkpoint."""
        assert self._gossip is not None
        turn, digest = checkpoint.turn, self._ledger.beacon_domain.checkpoint(checkpoint)
        proposed = [one.signature for one in self._gossip.proposals if one.checkpoint == checkpoint]
        ballot.hear([Attested(turn, turn, digest, said) for said in proposed])
        ballot.hear(self._gossip.attestations)

    def _vote(self, result: ShardResult, ballot: Ballot, is_asked_again: bool) -> bool:
        """Do what is next: tell the vote, post the list, show the key; the checkpoint is carried as always."""
        checkpoint = result.checkpoint
        if not ballot.is_cast:
            word = self._promise(result, lambda: ballot.cast(partial(self._sign_vote, checkpoint)))
            return word is not None and self._tell(checkpoint, word)
        if votes := ballot.list_to_post(is_asked_again):
            # Told first: until it is in a block, much of the window may go by.
            if not self._tell(checkpoint, ballot.propose(votes)):
                return False
            send_unless_overtaken(self._sender, ballot.quorum.post_list(list_hash(votes)))
            ballot.has_posted = True
            return True
        key = ballot.key_to_show()
        return key is not None and self._tell(checkpoint, key)

    def _repeat(self, checkpoint: Checkpoint, signatures: Mapping[int, bytes]) -> bool:
        """Say on chain what was said by gossip, when a part of the turn is over and it has not sufficed."""
        if self._gossip is None or len(signatures) >= self._attestation_pool.quorum:
            return False
        if self._ledger.now() < self._context.silent_until(checkpoint.turn) or not self._speaks_now(checkpoint.turn):
            return False
        signature = self._said[checkpoint]
        if self._attestation_pool.is_on_chain(checkpoint, self._seat, signature):
            return False
        return self._announce(checkpoint, signature)

    def _announce(self, checkpoint: Checkpoint, signature: bytes) -> bool:
        return send_unless_overtaken(self._sender, self._words(checkpoint, signature)) is not None

    def _words(self, checkpoint: Checkpoint, signature: bytes) -> UnsentCall:
        """What this seat says of a checkpoint, by gossip or on chain."""
        if checkpoint.turn == self._seat:
            return self._shard.propose(checkpoint, signature, validator=self._validator)
        digest = self._ledger.beacon_domain.checkpoint(checkpoint)
        return self._shard.attest(checkpoint, self._seat, digest=digest, signature=signature, validator=self._validator)

    def _liable_for(self, checkpoint: Checkpoint) -> set[bytes]:
        """Every update that is included: who attests it can be made to show it, until the round is final.

        Not in the private mode, where nobody can demand an update.
        """
        if self._ledger.norm_verifier(self._spec.shard) is not None:
            return set()
        return {update.content_digest for update in included_in(checkpoint, self._update_pool.reveals)}

    def _speaks_now(self, turn: int) -> bool:
        """From the proposer on, as many as a quorum needs, on chain but for one; the others when nobody did."""
        needed = self._attestation_pool.quorum - (self._gossip is None)
        has_waited = self._has_waited if self._gossip is None else self._has_listened
        return self._place(turn) < max(1, needed) or turn in has_waited

    def _is_to_carry(self, checkpoint: Checkpoint, signatures: Mapping[int, bytes]) -> bool:
        """Whether it is this seat that brings a quorum to the beacon.

        Where all hear all, the first of those who signed; the others when it has not by the next time they look.
        """
        is_left = self._gossip is None or checkpoint in self._left_to_others
        return is_left or self._is_first(checkpoint, signatures)

    def _is_first(self, checkpoint: Checkpoint, signatures: Mapping[int, bytes]) -> bool:
        """Whether it comes first in the turn's order of those who signed."""
        return min(self._place(checkpoint.turn, seat) for seat in signatures) == self._place(checkpoint.turn)

    def _hears_others(self, seconds: float) -> bool:
        """Whether something came where there is no quorum yet, and it has spoken, or is asked again and has not."""
        if self._gossip is None or self._decided or seconds <= 0:
            return False
        has_spoken = bool(self._said) or any(ballot and ballot.is_cast for ballot in self._ballots.values())
        is_asked_again = self._turn() in self._has_waited
        if has_spoken == is_asked_again or any(ballot and ballot.waits_for_time() for ballot in self._ballots.values()):
            return False
        return self._gossip.hear(seconds)

    def _place(self, turn: int, seat: int | None = None) -> int:
        """The place of a seat, or its own, in the order in which seats speak in a turn: the proposer's is 0."""
        return ((self._seat if seat is None else seat) - turn) % len(self._attestation_pool.committee)

    def _result_in(self, turn: int, updates: list[VerifiedUpdate]) -> ShardResult:
        key = turn, _named(updates), reveals_hash(self._update_pool.reveals)
        if key not in self._results:
            self._results[key] = self._result(turn, updates)
        return self._results[key]

    def _result(self, turn: int, updates: list[VerifiedUpdate]) -> ShardResult:
        """What this seat proposes in `turn`, and all it attests there."""
        result = expected_checkpoint(self._spec, turn, updates, self._update_pool.reveals, self._carried_base())
        if result.model is not None and (saturated := count_saturated(result.model.lanes, result.model.shape)):
            self._complain(SATURATED % (saturated, result.model.shape.classical))
        return result

    def _carried_base(self) -> Content | None:
        """What the next model builds on, read once; None where the checkpoint does not carry that model."""
        if self._base is None:
            self._base = read_carrying_base(self._part, self._store)
        return self._base

    def _sign(self, checkpoint: Checkpoint) -> bytes | None:
        """This seat's attestation; None where it has attested, or voted for, something else in this turn."""
        digest = self._ledger.beacon_domain.checkpoint(checkpoint)
        if self._signer.has_signed_other(self._choice_name(checkpoint), digest):
            return None
        signature = self._signer.sign_once(self._name(checkpoint), self._round, self._message(checkpoint))
        return None if signature is None else scheme_of(self._ledger).attestation(signature)

    def _sign_vote(self, checkpoint: Checkpoint, digest: bytes) -> bytes | None:
        """What tells the others that the vote is this seat's; None as `_sign`."""
        if self._signer.has_signed_other(self._name(checkpoint), self._message(checkpoint)):
            return None
        choice = self._ledger.beacon_domain.checkpoint(checkpoint)
        if not self._signer.note_once(self._choice_name(checkpoint), self._round, choice):
            return None
        return self._signer.sign_once(f"{self._name(checkpoint)} vote", self._round, digest)

    def _message(self, checkpoint: Checkpoint) -> bytes:
        """What this seat signs to attest a checkpoint."""
        digest = self._ledger.beacon_domain.checkpoint(checkpoint)
        return scheme_of(self._ledger).message(digest, self._validator, self._seat)

    def _name(self, checkpoint: Checkpoint) -> str:
        """Of what it signs, in its journal: one thing in a turn."""
        return f"round {self._round} shard {self._spec.shard} turn {checkpoint.turn}"

    def _choice_name(self, checkpoint: Checkpoint) -> str:
        """Of what it votes for there."""
        return f"{self._name(checkpoint)} choice"

    def _carry(self, signatures: Mapping[Checkpoint, Mapping[int, bytes]]) -> bool:
        """Bring the first checkpoint with a quorum to the beacon; somebody else may be quicker."""
        for checkpoint in sorted(signatures, key=lambda known: known.turn):
            if checkpoint not in self._decided or not self._is_listed(checkpoint):
                continue
            ballot = self._ballots.get(checkpoint)
            votes = None if ballot is None else ballot.bundle()
            said = signatures[checkpoint] if ballot is None or votes is None else ballot.keys
            if not self._is_to_carry(checkpoint, said):
                continue
            bundle = self._attestation_pool.bundle(said) if votes is None else votes
            call = self._ledger.beacon.submit_checkpoint(checkpoint, bundle)
            is_alone = self._gossip is not None and self._is_first(checkpoint, said)
            if is_alone and checkpoint not in self._carried:  # nobody else is at it, so no dry run has to tell
                self._carried.add(checkpoint)
                call = replace(call, gas=self._attestation_pool.checkpoint_gas(said))
            try:
                return send_unless_overtaken(self._sender, call) is not None
            except ContractReverted as refusal:
                if refusal.name != KEY_CHANGED:
                    raise
                # The next step does without the signatures of keys that are no longer current.
                self._attestation_pool.renew_keys()
                self._withdrawn.update(self._said)
                if ballot is not None:
                    ballot.renew()
                return False
        return False

    def _is_listed(self, checkpoint: Checkpoint) -> bool:
        """Whether it is of this round as it was opened, and of what was revealed.

        The beacon refuses one that was signed before a reorganisation.
        """
        reveals, spec = self._update_pool.reveals, self._spec
        if (checkpoint.base_root, checkpoint.parameters_hash) != (spec.base_root, spec.parameters_hash):
            return False
        return checkpoint.reveals_hash == reveals_hash(reveals) and has_revealed_list(checkpoint, reveals)

    def _complain(self, complaint: str) -> None:
        """Log it once: every step finds the same fault again."""
        if complaint not in self._complaints:
            self._complaints.add(complaint)
            log.warning("validator %d, round %d: %s", self._validator, self._round, complaint)


def _named(updates: Sequence[VerifiedUpdate]) -> Named:
    """Which updates these are: the same numbers alone may stand for others after a reorganisation."""
    return tuple(zip((update.index for update in updates), update_leaves(updates), strict=True))
