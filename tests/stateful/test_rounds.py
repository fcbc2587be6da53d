"""Any order of round messages, faults and waiting, against a round book in Python.

Every call is predicted: it succeeds, or reverts. After each step the beacon agrees with the book, the models form one
chain from the head to genesis, and a model that was final once is what it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from brownie import DisputesHarness, accounts, chain
from brownie.exceptions import VirtualMachineError
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.contracts.world import (
    CHECKPOINT,
    COMMIT,
    FAILED,
    FINAL,
    GENESIS,
    IDLE,
    OPEN,
    PUBLISH,
    PUBLISHED,
    REVEAL,
    VOID,
    World,
    build,
    word,
)

CLIENT = st.sampled_from(["ada", "ben"])
VALIDATOR = st.sampled_from(["vera", "viktor", "vito"])
BACK = st.integers(0, 4)
SECONDS = {"commit": 300, "reveal": 120, "checkpoint": 300, "publish": 120}
CHALLENGE = 600


@dataclass
class Entry:
    """One round in the book."""

    base: int
    opened_at: int
    state: int = OPEN
    committed: set[str] = field(default_factory=set)
    revealed: list[str] = field(default_factory=list)
    has_checkpoint: bool = False
    is_voided: bool = False
    published_at: int = 0

    def phase_at(self, time: int) -> int:
        elapsed = time - self.opened_at
        if self.state != OPEN or elapsed >= 840:
            return IDLE
        if elapsed < 420:
            return COMMIT if elapsed < 300 else REVEAL
        if self.has_checkpoint:
            return PUBLISH
        return CHECKPOINT if elapsed < 720 else IDLE


class Rounds(RuleBasedStateMachine):
    """The book and the contracts, side by side. Blocks are one second apart unless a rule waits."""

    def __init__(self, world: World, disputes: Any) -> None:
        super().__init__()
        self.world, self.beacon, self.disputes = world.fresh(), world.beacon, disputes
        self.by = {"from": world.relayer}
        self.book = [Entry(0, 0, state=FINAL)]
        self.head = 0
        self.models = {0: GENESIS["modelRoot"]}

    @property
    def current(self) -> Entry:
        return self.book[-1]

    def pick(self, back: int, is_published: bool) -> int:
        """A recent round: the latest, the one before it, and so on; of the published ones, if there are any."""
        published = [number for number, entry in enumerate(self.book) if entry.state == PUBLISHED]
        choice = published if is_published and published else range(len(self.book))
        return choice[max(len(choice) - 1 - back, 0)]

    def expect(self, is_allowed: bool, call: Any, *arguments: Any) -> bool:
        """Make the call in the next second; True when it went through, as it must exactly if it is allowed."""
        self.world.next_at(chain[-1].timestamp + 1)
        if is_allowed:
            call(*arguments)
            return True
        with pytest.raises(VirtualMachineError):
            call(*arguments)
        return False

    def phase(self) -> int:
        """The phase in which the next transaction will happen."""
        return self.current.phase_at(chain[-1].timestamp + 1)

    @rule()
    def open(self) -> None:
        if self.expect(self.phase() == IDLE, self.beacon.openRound, self.by):
            if self.current.state == OPEN:
                self.current.state = FAILED
            self.book.append(Entry(self.head, chain[-1].timestamp))

    @rule(name=CLIENT)
    def commit(self, name: str) -> None:
        is_allowed = self.phase() == COMMIT and name not in self.current.committed
        base = self.models[self.current.base]
        if self.expect(is_allowed, lambda: self.world.commit(self.world.members[name], signed_base=base)):
            self.current.committed.add(name)

    @rule(name=CLIENT)
    def reveal(self, name: str) -> None:
        round_ = self.current
        is_allowed = self.phase() == REVEAL and name in round_.committed - set(round_.revealed)
        if self.expect(is_allowed, lambda: self.world.reveal(self.world.members[name])):
            round_.revealed.append(name)

    @rule()
    def checkpoint(self) -> None:
        if len(self.book) == 1:
            return
        checkpoint = self.world.checkpoint([self.world.members[name] for name in self.current.revealed])
        bundle = self.world.bundle(checkpoint, (0, 1))
        is_allowed = self.phase() == CHECKPOINT and bool(self.current.revealed)
        if self.expect(is_allowed, lambda: self.world.submit(checkpoint, bundle)):
            self.current.has_checkpoint = True

    @rule(name=VALIDATOR)
    def publish(self, name: str) -> None:
        if self.expect(self.phase() == PUBLISH, lambda: self.world.publish(self.world.members[name])):
            number = len(self.book) - 1
            self.current.state, self.current.published_at, self.head = PUBLISHED, chain[-1].timestamp, number
            self.models[number] = word(f"model {number}")

    @rule(back=BACK, is_published=st.booleans())
    def settle(self, back: int, is_published: bool) -> None:
        number = self.pick(back, is_published)
        entry = self.book[number]
        is_over = chain[-1].timestamp + 1 >= entry.published_at + CHALLENGE
        is_allowed = entry.state == PUBLISHED and is_over and self.book[entry.base].state == FINAL
        if self.expect(is_allowed, self.beacon.settle, number, self.by):
            entry.state = FINAL

    @rule(back=BACK, is_published=st.booleans())
    def void_checkpoint(self, back: int, is_published: bool) -> None:
        number = self.pick(back, is_published)
        entry = self.book[number]
        is_allowed = entry.has_checkpoint and not entry.is_voided and entry.state != FINAL
        if self.expect(is_allowed, self.disputes.voidCheckpoint, self.beacon, number, 0, self.by):
            entry.is_voided = True
            if entry.state == OPEN:
                entry.state = FAILED
            if entry.state == PUBLISHED:
                self.roll_back(number)

    @rule(back=BACK, is_published=st.booleans())
    def void_model(self, back: int, is_published: bool) -> None:
        number = self.pick(back, is_published)
        is_allowed = self.book[number].state == PUBLISHED
        if self.expect(is_allowed, self.disputes.voidModel, self.beacon, number, self.by):
            self.roll_back(number)

    def roll_back(self, number: int) -> None:
        """Void every model that builds on `number`, wherever it is in the book."""
        lost = {number}
        for later in range(number + 1, len(self.book)):
            if self.book[later].base in lost:
                lost.add(later)
        self.head = self.book[number].base
        for each in lost:
            entry = self.book[each]
            entry.state = {PUBLISHED: VOID, OPEN: FAILED}.get(entry.state, entry.state)

    @rule(phase=st.sampled_from([*SECONDS, "challenge"]))
    def wait(self, phase: str) -> None:
        """Until a phase of the current round, or the challenge window of its model, is just over."""
        ends_at = self.current.published_at + CHALLENGE
        if phase != "challenge":
            names = list(SECONDS)
            ends_at = self.current.opened_at + sum(SECONDS[n] for n in names[: names.index(phase) + 1])
        if ends_at > chain[-1].timestamp:
            self.world.reach(ends_at)

    @rule()
    def settle_all(self) -> None:
        """As random calls rarely do: wait, then settle from the oldest on."""
        self.wait("challenge")
        for back in reversed(range(len(self.book))):
            if self.book[self.pick(back, False)].state == PUBLISHED:
                self.settle(back, is_published=False)

    @initialize()
    def begin_with_a_model(self) -> None:
        self.play_an_honest_round()

    @rule()
    def play_an_honest_round(self) -> None:
        """As random calls rarely do: through to the publication."""
        for phase in ("commit", "reveal", "checkpoint", "publish"):
            if self.phase() != IDLE:
                self.wait(phase)
        self.open()
        self.commit("ada")
        self.wait("commit")
        self.reveal("ada")
        self.wait("reveal")
        self.checkpoint()
        self.publish("vera")

    @invariant()
    def beacon_agrees_with_the_book(self) -> None:
        now = chain[-1].timestamp
        for number, entry in enumerate(self.book):
            missed = entry.state == OPEN and entry.phase_at(now) == IDLE
            found = self.beacon.roundAt(number)
            assert (found["state"], found["baseRound"]) == (FAILED if missed else entry.state, entry.base)
            if entry.state == FINAL:
                assert bytes(found["modelRoot"]) == self.models[number]
        finals = [number for number, entry in enumerate(self.book) if entry.state == FINAL]
        assert (self.beacon.headRound(), self.beacon.finalRound()) == (self.head, max(finals))

    @invariant()
    def models_form_one_chain(self) -> None:
        """From the head down: published ones, then final ones; no published one beside it."""
        on_chain, number = [self.head], self.head
        while number:
            number = self.book[number].base
            on_chain.append(number)
        states = [self.book[number].state for number in on_chain]
        assert states == sorted(states) and set(states) <= {PUBLISHED, FINAL}
        assert {n for n, entry in enumerate(self.book) if entry.state == PUBLISHED} <= set(on_chain)


def test_rounds(run_machine):
    disputes = accounts[0].deploy(DisputesHarness)
    world = build(("ada", "ben"), ("vera", "viktor", "vito"), disputes, seats=2)
    # A step takes two leaves of a key at most, and keys of height 5 have 32.
    run_machine(lambda: Rounds(world, disputes), examples=30, steps=15)
