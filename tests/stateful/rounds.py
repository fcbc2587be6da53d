"""The part of the round machine that makes rounds, honest and not: the book and the contracts, side by side."""

from collections.abc import Sequence
from typing import Any

from brownie import chain
from hypothesis import strategies as st
from hypothesis.stateful import rule

from qfl.protocol.digests import compute_commitment
from tests.contracts.dispute_testnet import Vector
from tests.contracts.world import CHECKPOINT, COMMIT, FAILED, FINAL, IDLE, OPEN, PUBLISH, PUBLISHED, REVEAL, word
from tests.stateful.equivocators import BACK, SEATS, Equivocators
from tests.stateful.ledger import Account
from tests.stateful.lies import Lie, ModelLie, make_claim, update_of
from tests.stateful.members import WHO
from tests.stateful.round_model import CHALLENGE, LINKERS, SECONDS, Entry, RoundModel

COORDINATE = st.integers(0, 8)
LIE = st.sampled_from(Lie)
MODEL_LIE = st.sampled_from([None, None, *ModelLie])
QUORUM = st.sampled_from([(0, 1, 2), (0, 1), (0, 2), (1, 2)])


class Rounds(Equivocators):
    """Every move is predicted: it succeeds, or reverts with a named error."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.beacon = self.court.beacon
        self.round_model = RoundModel(self.court.genesis)
        self.seats = SEATS * self.court.rounds["shards"]

    @property
    def current(self) -> Entry:
        return self.round_model[-1]

    @property
    def number(self) -> int:
        return len(self.round_model) - 1

    @property
    def base(self) -> Vector:
        return self.round_model[self.current.base].model

    def why_not_in(self, phase: int) -> str | None:
        """`WrongPhase`, unless the next transaction happens in this phase."""
        return None if self.current.phase_at(self.next_second) == phase else "WrongPhase"

    def open(self) -> None:
        error = "TooFewValidators" if len(self.ledger.drawable) < self.seats else None
        if self.current.phase_at(self.next_second) != IDLE:
            error = "RoundInProgress"
        if not self.expect(error, self.beacon.openRound, self.by):
            return
        if self.current.state == OPEN:
            self.current.state = FAILED
        opened_at = chain[-1].timestamp
        seated = list(self.court.draw.seatsOf(len(self.round_model)))
        assert set(seated) <= self.ledger.drawable and len(set(seated)) == self.seats
        publishers = seated if self.seats > SEATS else []
        entry = Entry(seated[:SEATS], opened_at + 420, self.round_model.head, opened_at, publishers)
        bits = self.court.draw.drawOf(len(self.round_model))["standIns"]
        entry.stand_ins = {seated[seat] for seat in range(min(LINKERS, self.seats)) if bits >> seat & 1}
        self.round_model.append(entry)

    def commit(self, who: int, is_big: bool) -> None:
        account, client = self.pick(who), self.pick(who).member
        error = self.why_not_in(COMMIT)
        if error is None and (account.is_validator or not account.is_active):
            error = "NotActiveClient"
        elif error is None and self.beacon.placeOf(self.number, client.id)[0] != 0:
            error = "NotInShard"
        elif error is None and client.id in self.current.committed:
            error = "AlreadyCommitted"
        update = update_of(client.id, self.number, is_big=is_big)
        commitment = compute_commitment(self.number, *update.struct, word(f"{client.name}'s salt"))
        digest = self.court.domain(self.court.shard).commit(self.number, client.id, self.base.root, commitment)
        signed = {"commitment": commitment, "signature": b"" if error else client.sign(digest)}
        if self.expect(error, lambda: self.court.commit(client, signed_base=self.base.root, **signed)):
            self.current.committed[client.id] = update

    def show_link(self) -> None:
        """By the first seat, where it has a slot and that is now."""
        entry, now = self.current, self.next_second
        is_now = entry.phase_at(now) == REVEAL and now < entry.first_slot_ends_at
        if is_now and not entry.is_shown and entry.committee[0] not in entry.stand_ins:
            self.expect(None, self.court.show_link)
            entry.is_shown = True

    def reveal(self, who: int) -> None:
        client, entry = self.pick(who).member, self.current
        update = entry.committed.get(client.id, update_of(client.id, self.number, is_big=False))
        error = self.why_not_in(REVEAL)
        if error is None and client.id not in entry.committed:
            error = "NotCommitted"
        elif error is None and update in entry.revealed:
            error = "AlreadyRevealed"
        opened = dict(zip(("root", "digest"), update.struct[1:], strict=True))
        if self.expect(error, lambda: self.court.reveal(client, **opened)):
            entry.revealed.append(update)

    def checkpoint(self, lie: Lie, model_lie: ModelLie | None, false_at: int, seats: Sequence[int]) -> None:
        """The seats that sign agree on lies or on the truth; the others keep out of it."""
        error = self.why_not_in(CHECKPOINT) or ("AlreadyCheckpointed" if self.current.claim else None)
        if error is not None:
            nothing = self.court.checkpoint((), count=1, included=1)
            self.expect(error, self.court.submit, nothing, bytes(8))
            return
        self.replace_worn_keys()
        signers = [self.current.committee[seat] for seat in seats]
        claim = make_claim(self.court, self.current.revealed, lie, model_lie, false_at, signers)
        if claim is None:
            return
        bundle = self.court.bundle(claim.attested.checkpoint, seats)
        error = "NoQuorum" if len(seats) < 2 else None
        if self.expect(error, self.court.submit, claim.attested.checkpoint, bundle):
            self.current.claim = claim
            if claim.attested.model is not None:
                self.note_model(claim.attested.model, 0, model_lie, false_at)

    def publish(self, who: int | None, lie: ModelLie | None, false_at: int) -> None:
        """By somebody, or by whose slot it is."""
        account = self.pick(who or 0)
        error = self.why_not_in(PUBLISH)
        if error is not None:
            self.expect(error, lambda: self.court.publish(account.member, signature=b""))
            return
        self.replace_worn_keys()
        model, changed = self.court.next_model(self.base, [self.current.claim.attested]), {}
        if lie is not None:
            model, changed["content"] = lie.told_of(self.court, model, false_at, self.base.root)
        publisher = self.current.publisher_at(self.next_second)
        if who is None:
            account = self.ledger.accounts[publisher]
        member = account.member
        if not account.is_validator or not account.is_active:
            error = "NotValidator"
        elif member.id != publisher:
            error = "NotYourSlot"
        if self.expect(error, lambda: self.court.publish_model(model, self.base, member, **changed)):
            self.note_model(model, member.id, lie, false_at)

    def note_model(self, model: Vector, publisher: int, lie: ModelLie | None, false_at: int) -> None:
        entry = self.current
        entry.state, entry.published_at, entry.publisher = PUBLISHED, chain[-1].timestamp, publisher
        entry.model, entry.false_at = model, {ModelLie.LANE: false_at, ModelLie.CONTENT: -1}.get(lie)
        self.round_model.head = self.number

    @rule(back=BACK)
    def settle(self, back: int) -> None:
        number = self.round_model.recent(back, *self.round_model.in_state(PUBLISHED))
        entry, error = self.round_model[number], None
        if entry.state != PUBLISHED:
            error = "WrongState"
        elif self.next_second < entry.ends_at("challenge"):
            error = "StillChallengeable"
        elif self.round_model[entry.base].state != FINAL:
            error = "BaseNotFinal"
        if self.expect(error, self.beacon.settle, number, self.by):
            entry.state = FINAL

    def wait(self, phase: str) -> None:
        """Until a phase of the current round, or the challenge window of its model, is just over."""
        self.wait_until(self.current.ends_at(phase))

    @rule(
        move=st.sampled_from(["open", "commit", "reveal", "checkpoint", "publish", "wait"]),
        phase=st.sampled_from([*SECONDS, "challenge"]),
        who=WHO,
        lie=LIE,
        model_lie=MODEL_LIE,
        false_at=COORDINATE,
        seats=QUORUM | st.just((1,)),
    )
    def make_one_move(
        self, move: str, phase: str, who: int, lie: Lie, model_lie: ModelLie | None, false_at: int, seats: Sequence[int]
    ) -> None:
        """At whatever time it is."""
        match move:
            case "open":
                self.open()
            case "commit":
                self.commit(who, is_big=lie is Lie.NORM)
            case "reveal":
                self.reveal(who)
            case "checkpoint":
                self.checkpoint(lie, model_lie, false_at, seats)
            case "publish":
                self.publish(who, model_lie, false_at)
            case "wait":
                self.wait(phase)

    @rule()
    def settle_all(self) -> None:
        """As random calls rarely do: wait, then settle from the oldest on."""
        self.wait("challenge")
        for _ in self.round_model.in_state(PUBLISHED):
            self.settle(len(self.round_model))

    @rule(lie=LIE, model_lie=MODEL_LIE, false_at=COORDINATE, seats=QUORUM)
    def play(self, lie: Lie, model_lie: ModelLie | None, false_at: int, seats: Sequence[int]) -> None:
        """As random calls rarely do: through to the publication."""
        self.wait("publish")
        self.open()
        for number in (0, 1):
            self.commit(number, is_big=lie is Lie.NORM and number == 1)
        self.wait("commit")
        self.show_link()
        for number in (1, 0):
            self.reveal(number)
        self.wait("reveal")
        self.checkpoint(lie, model_lie, false_at, seats)
        if self.current.publishers:
            self.wait("checkpoint")
            self.publish(None, model_lie, false_at)

    def attesters_of(self, entry: Entry) -> list[Account]:
        return [self.ledger.accounts[number] for number in entry.claim.signers] if entry.claim else []

    def is_within_window(self, entry: Entry) -> bool:
        return entry.state == PUBLISHED and chain[-1].timestamp < entry.published_at + CHALLENGE
