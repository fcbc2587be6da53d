"""Any order of round messages, lies, proofs and waiting, against a round book in Python.

Committees attest the truth or one of five lies. With one shard they attest a true or a false model as well; with two,
of which one brings no checkpoint, a publisher signs for it in its slot. Seats sign twice. Challengers bring
the apt proof or another, early, late, again, and after later rounds were built on the lie. Whoever is guilty leaves,
replaces its key or tops up meanwhile. After each step the beacon agrees with the book, the models form one chain from
the head to genesis, only the guilty lost stake, and a model that was final once is what it was.
"""

from collections import Counter

import pytest
from brownie import web3
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from qfl.protocol.types import ModelShape
from tests.contracts.dispute_testnet import set_up_disputes
from tests.contracts.world import FAILED, FINAL, GWEI, IDLE, OPEN, PUBLISHED, VALIDATOR_STAKE, VOID, as_tuple
from tests.stateful.equivocators import BACK, SEATS
from tests.stateful.lies import FAULT_OF, NORM_BOUND, RIGHT, Lie, ModelLie, Proof
from tests.stateful.round_model import CHALLENGE, ROUND
from tests.stateful.rounds import COORDINATE, LIE, MODEL_LIE, Rounds

pytestmark = pytest.mark.rest

CLIENTS = ("ada", "ben")
VALIDATORS = {
    1: {"vera": 1, "viktor": 2, "vito": 4, "violet": 8, "vincent": 16},
    2: {"vera": 1, "viktor": 2, "vito": 4, "violet": 8, "vincent": 16, "vivian": 8, "victor": 4, "vanessa": 2},
}
"""By the number of shards, with their stakes in ETH."""
CHAIN_SLOT = 1
"""Where the beacon keeps its head, its final round and the count of unsettled models: behind its owner."""


class DisputedRounds(Rounds):
    """Rounds, and the proofs that are brought against them."""

    @initialize(lies=st.tuples(*[st.tuples(LIE, MODEL_LIE, COORDINATE)] * 2))
    def begin_with_two_models(self, lies: tuple[tuple[Lie, ModelLie | None, int], ...]) -> None:
        for lie in lies:
            self.play(*lie, (0, 1, 2))

    @rule(back=BACK, is_late=st.booleans())
    def prove_a_lie(self, back: int, is_late: bool) -> None:
        """The apt proof of a recent lie of a committee; once its round is final, perhaps."""
        lying = [number for number, entry in enumerate(self.round_model) if entry.claim and entry.claim.is_false]
        if lying:
            if is_late:
                self.settle_all()
            unpunished = [number for number in lying if not self.round_model[number].is_claim_void]
            number = self.round_model.recent(back, *(unpunished or lying))
            claim = self.round_model[number].claim
            self.dispute(number, claim.apt, claim.false_at)

    @rule(back=BACK, is_whole=st.booleans())
    def prove_a_false_model(self, back: int, is_whole: bool) -> None:
        lying = [number for number, entry in enumerate(self.round_model) if entry.false_at is not None]
        if lying:
            unpunished = [number for number in lying if self.round_model[number].is_model_liable]
            number = self.round_model.recent(back, *(unpunished or lying))
            self.dispute_model(len(self.round_model) - 1 - number, is_whole, max(self.round_model[number].false_at, 0))

    @rule(back=BACK, aim=st.sampled_from(Proof), coordinate=COORDINATE)
    def dispute_checkpoint(self, back: int, aim: Proof, coordinate: int) -> None:
        """Any proof against a recent checkpoint, whatever it says."""
        attested = [number for number, entry in enumerate(self.round_model) if entry.claim]
        if attested:
            self.dispute(self.round_model.recent(back, *attested), aim, coordinate)

    def dispute(self, number: int, aim: Proof, coordinate: int) -> None:
        entry, claim = self.round_model[number], self.round_model[number].claim
        error = None
        if entry.is_claim_void:
            error = "NoCheckpoint"
        elif not claim.is_proven_by(aim, coordinate):
            error = RIGHT[aim]
        elif entry.state == FINAL:
            error = "WrongState"
        dispute, proof = claim.call(self.court.disputes, aim), claim.arguments_of(aim, coordinate)
        if self.prove(error, FAULT_OF[aim], claim.signers, dispute, *proof):
            entry.is_claim_void = True
            if entry.state == OPEN:
                entry.state = FAILED
            if entry.state == PUBLISHED:
                self.round_model.roll_back(number)

    @rule(back=BACK, is_whole=st.booleans(), lane=COORDINATE)
    def dispute_model(self, back: int, is_whole: bool, lane: int) -> None:
        """At any lane of a recent model, or its content, whatever it is."""
        number = self.round_model.recent(back)
        entry, false_at = self.round_model[number], self.round_model[number].false_at
        if entry.claim is None:
            return
        attested, base = entry.claim.attested, self.round_model[entry.base].model
        before = (number, [as_tuple(attested.checkpoint)])
        if is_whole:
            error = None if false_at == -1 else "ContentIsRight"
            dispute = self.court.disputes.disputeModelContent
            proof = (number, (entry.model or base).chunks)
        else:
            error = None if false_at == lane else "ModelIsRight"
            dispute = self.court.disputes.disputeModel
            openings = (vector.opening(lane) for vector in (base, entry.model or base))
            proof = (before[0], lane, before[1], [attested.aggregate.opening(lane)], *openings)
        if not entry.is_model_liable:
            error = "NotPublished"
        guilty = [entry.publisher] if entry.publisher else entry.claim.signers
        if self.prove(error, "model", guilty, dispute, *proof):
            entry.is_claim_void = not entry.publisher
            if entry.state == PUBLISHED:
                self.round_model.roll_back(number)

    @rule(back=BACK, what=st.sampled_from(["publisher", "shard", "both", "a part"]))
    def reward(self, back: int, what: str) -> None:
        """Of a recent round, final if there is one: once for everybody that earned it and is still there."""
        number = self.round_model.recent(back, *self.round_model.in_state(FINAL)[1:])
        entry = self.round_model[number]
        if entry.claim is None:
            return
        attested, parts = entry.claim.attested, {"publisher"} if what == "publisher" else {"shard"}
        if what == "both":
            parts.add("publisher")
        updates = [update.struct for update in attested.updates]
        error = None
        if entry.state != FINAL:
            error = "NotFinal"
        elif what == "a part":
            updates, error = updates[:-1], "NotIncluded"
        elif "shard" in parts & entry.paid:
            error = "AlreadyRewarded"
        elif "publisher" in parts and not entry.publisher:
            error = "NoPublisher"
        elif parts & entry.paid:
            error = "AlreadyRewarded"
        claims = [(as_tuple(attested.checkpoint), updates)] if "shard" in parts else []
        published = [number] if "publisher" in parts else []
        if self.expect(error, self.court.rewards.reward, claims, published, self.by):
            entry.paid |= parts
            earned = [("publisher", entry.publisher)] if published else []
            if claims:
                earned += [("update", update.client) for update in attested.updates]
                # Without its link every seat was silent that had a slot.
                paid = entry.claim.signers if entry.is_shown else entry.stand_ins & set(entry.claim.signers)
                earned += [("seat", signer) for signer in paid]
            for kind, earner in earned:
                account = self.ledger.accounts.get(earner)
                if account is not None and not account.has_left:
                    self.ledger.credit(earner, self.court.rounds[f"{kind}RewardGwei"] * GWEI)

    # --- what holds --------------------------------------------------------------------------------------------

    @invariant()
    def beacon_agrees_with_the_book(self) -> None:
        now = self.next_second - 1
        for number, entry in enumerate(self.round_model):
            missed = entry.state == OPEN and entry.phase_at(now) == IDLE
            found = self.beacon.roundAt(number)
            assert (found["state"], found["baseRound"]) == (FAILED if missed else entry.state, entry.base)
            if entry.state == FINAL:
                assert bytes(found["modelRoot"]) == entry.model.root

    @invariant()
    def chain_agrees_with_the_book(self) -> None:
        """The unsettled models are counted where nothing but storage shows it: beside the head, in one slot."""
        slot = int.from_bytes(web3.eth.get_storage_at(self.beacon.address, CHAIN_SLOT), "big")
        current, head, final = (slot >> shift & (2**64 - 1) for shift in (0, 64, 128))
        version, unsettled = slot >> 192 & 0xFFFF, slot >> 208
        assert (current, head, final, version) == (
            self.number,
            self.round_model.head,
            self.round_model.in_state(FINAL)[-1],
            1,
        )
        assert unsettled == len(self.round_model.in_state(PUBLISHED))

    @invariant()
    def models_form_one_chain(self) -> None:
        """From the head down: published ones, then final ones; no published one beside it."""
        line = self.round_model.line_of(self.round_model.head)
        states = [self.round_model[number].state for number in line]
        assert states == sorted(states) and set(states) <= {PUBLISHED, FINAL}
        assert set(self.round_model.in_state(PUBLISHED)) <= set(line)

    @invariant()
    def nothing_falls_but_lies_and_what_was_built_on_them(self) -> None:
        for number in self.round_model.in_state(VOID):
            assert any(self.round_model[each].is_false for each in self.round_model.line_of(number))
        for entry in self.round_model:
            assert not entry.is_claim_void or entry.is_false

    @invariant()
    def the_liable_stay_while_their_model_can_be_challenged(self) -> None:
        for entry in self.round_model:
            if self.is_within_window(entry):
                liable = self.attesters_of(entry)
                liable += [self.ledger.accounts[entry.publisher]] if entry.publisher else []
                assert not any(account.has_left for account in liable)


@pytest.mark.parametrize(("shards", "examples"), [(1, 18), (2, 12)])
def test_rounds(run_machine, shards, examples):
    shortest = ROUND + CHALLENGE + 2 + 1
    changed = {"seats": SEATS, "unbondingSeconds": shortest, "answerSeconds": 1, "normBound": NORM_BOUND}
    court = set_up_disputes(ModelShape(quantum=6, classical=3), validators=(), shards=shards, **changed)
    for name in CLIENTS:
        court.bond(name, "client")
    for name, ether in VALIDATORS[shards].items():
        court.bond(name, "validator", ether * VALIDATOR_STAKE)
    seen: Counter[str] = Counter()
    run_machine(lambda: DisputedRounds(court, seen), examples=examples, steps=20)
    # With two shards it is the chain's chance which updates there are to lie about.
    assert sum(seen.values())
    assert shards > 1 or (seen["aggregate"] + seen["updates"] + seen["norm"] and seen["model"])
