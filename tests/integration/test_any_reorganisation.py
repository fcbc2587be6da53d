"""The product's own clients and validators on a chain that is reorganised between any two of their steps.

Whatever was said on one branch of the chain a stranger says again on another, in bundles and disputes of his own; one
of four validators helps him, and a client shows its updates to whom it likes. Nobody honest loses by it, and what is
final stays as it is. A block has one transaction, and a reorganisation is up to 12 blocks deep; who is away for longer
than there is to answer a demand is not looked at here.

`QFL_RANDOM_RUNS` says how many runs there are with one shard, with two, and in the private mode with its proofs: 24
unless it is set. They are the same ones each time.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from numpy.typing import NDArray
from reorganising import DROPPED, Branches, Elusive, Partial, Said, Stranger, repeatable_chain
from testnet import SMALL, Nudger, Testnet

from qfl.chain.contracts.beacon import Phase, RoundState
from qfl.chain.contracts.demands import Part, Subject
from qfl.chain.ledger import Ledger
from qfl.challenger.challenger import Challenger
from qfl.challenger.fault_detector import FaultDetector
from qfl.client.client import Client
from qfl.client.signing import Signing
from qfl.crypto.kem import KemKey
from qfl.crypto.norm.keys import NormKeys
from qfl.crypto.norm.prover import Prover
from qfl.crypto.norm.statement import NormStatement
from qfl.errors import QflError
from qfl.node.context import NodeContext
from qfl.node.encryption import set_up_encryption
from qfl.protocol.chunks import merkle_path
from qfl.protocol.recompute import has_revealed_list, included_in, update_leaves
from qfl.protocol.types import ParticipantId, RoundNumber
from qfl.quorum.quorum import scheme_of
from qfl.scheduler import Scheduler
from qfl.storage.store import MemoryStore
from qfl.validator import validator as validators
from qfl.validator.validator import Validator

pytestmark = pytest.mark.rest

RUNS = int(os.environ.get("QFL_RANDOM_RUNS", "24"))
STEPS = 16
DEEPEST = 12
CLIENTS = ("client-1", "client-2", "client-3")
VALIDATORS = ("validator-1", "validator-2", "validator-3", "validator-4")
KEYED = CLIENTS[:2]
"""Those that commit by key; they do not wait for finality, as there is none here."""
ELUSIVE, LIAR = CLIENTS[-1], VALIDATORS[-1]
"""A client that shows its updates to whom it likes, and a validator that also signs what it is given."""
MOST_LIES = 6
ANNOUNCEMENTS = ("propose", "attest")
"""What a shard takes any number of times."""
STRANGER = 15
CHALLENGE = 300
RUNS_A_CHAIN = 20

NAMES = st.permutations(CLIENTS + VALIDATORS)
PLACE = st.integers(0, DEEPEST - 1)
NEIGHBOURS = PLACE.map(lambda place: (place, place + 1))
SWAPS = st.lists(NEIGHBOURS | st.tuples(PLACE, PLACE) | st.tuples(PLACE, st.just(DROPPED)), min_size=1, max_size=3)


class ReorganisedRounds(RuleBasedStateMachine):
    """`seen` counts, over all runs, what they came to."""

    def __init__(self, testnet: Testnet, branches: Branches, seen: Counter[str]) -> None:
        super().__init__()
        self.testnet, self.branches, self.seen = testnet, branches, seen
        self.ledger = self.new_ledger()
        self.aside = MemoryStore()
        self.stores = {name: Partial(testnet.store, self.aside) for name in VALIDATORS}
        self.stores[ELUSIVE] = Elusive(testnet.store, self.aside)
        self.ids = {name: testnet.join(name) for name in CLIENTS + VALIDATORS}
        self.kems = {name: kem for name in VALIDATORS if (kem := set_up(testnet, name)) is not None}
        self.roles = {name: self.start(name) for name in self.ids}
        self.stranger = Stranger(self.ledger, testnet.sender(STRANGER), branches)
        self.stakes = self.stakes_now()
        self.final: dict[RoundNumber, tuple[int, bytes]] = {}
        self.lies = 0

    def new_ledger(self) -> Ledger:
        return Ledger(self.testnet.web3, self.testnet.ledger.deployment)

    def start(self, name: str) -> Client | Validator:
        """The role as it comes up with what it has on disk."""
        store = self.stores.get(name, self.testnet.store)
        ledger, sender, key = self.new_ledger(), self.testnet.senders[name], self.testnet.keys[name]
        context = NodeContext(ledger, sender, store, key, self.testnet.folder / name)
        if name in CLIENTS:
            own = self.ids[name]
            signing = Signing(ledger, own, context.folder, mode="keys" if name in KEYED else "lms")
            settings = {"seed": 1, "prover": self.testnet.prover, "signing": signing}
            return Client(context, own, index=CLIENTS.index(name), **settings)
        return Validator(context, self.ids[name], kem=self.kems.get(name))

    # --- what the honest do ----------------------------------------------------------------------------------

    def let_act(self, name: str) -> bool:
        """One step of a role, as its own process takes it; what it cannot do now, it leaves."""
        role = self.roles[name]
        try:
            if isinstance(role, Client):
                return any(Scheduler(self.ledger).step_clients([role], Nudger()))
            return bool(role.step())
        except QflError as fault:
            self.seen[type(fault).__name__] += 1
            return False

    def sweep(self, names: list[str]) -> bool:
        """One step of each of these that has something to do in this phase; whether anything was done."""
        phase = self.ledger.beacon.context().phase
        busy = {Phase.COMMIT: CLIENTS, Phase.REVEAL: CLIENTS + VALIDATORS}.get(phase, VALIDATORS)
        acted = [self.let_act(name) for name in names if name in busy]
        return any(acted)

    @initialize(names=NAMES, sweeps=st.integers(0, 12))
    def begin(self, names: list[str], sweeps: int) -> None:
        self.go_on(names, sweeps)

    @rule(names=NAMES, sweeps=st.integers(1, 8))
    def go_on(self, names: list[str], sweeps: int) -> None:
        """Everybody does what there is to do; when that is nothing, it is later."""
        for _ in range(sweeps):
            if not self.sweep(names):
                self.time_passes()

    @rule(names=st.lists(st.sampled_from(CLIENTS + VALIDATORS), max_size=4), is_late=st.booleans())
    def some_act(self, names: list[str], is_late: bool) -> None:
        """And the others perhaps not in time."""
        self.sweep(names)
        if is_late:
            self.time_passes()

    def time_passes(self) -> None:
        """To the next deadline. Demands are answered first, and have settled: there is more time than that takes."""
        if self.ledger.demands.made(self.ledger.from_block):
            for name in VALIDATORS:
                self.let_act(name)
            for _ in range(DEEPEST):
                self.branches.reach(self.ledger.now() + 1)
        context, now = self.ledger.beacon.context(), self.ledger.now()
        later = now + CHALLENGE if context.phase is Phase.IDLE else context.next_deadline(now)
        self.branches.reach(max(later, now + 1))

    @rule(name=st.sampled_from(CLIENTS + VALIDATORS), sees_aside=st.booleans())
    def restart(self, name: str, sees_aside: bool) -> None:
        """From what is on disk; and the elusive client's updates can be fetched from there now, or no longer."""
        self.roles[name] = self.start(name)
        if name in VALIDATORS:
            self.stores[name].sees_aside = sees_aside

    # --- what happens to them --------------------------------------------------------------------------------

    @rule(depth=st.integers(1, DEEPEST), swaps=SWAPS, is_told=st.booleans(), names=NAMES, sweeps=st.integers(0, 6))
    def reorganise(
        self, depth: int, swaps: list[tuple[int, int]], is_told: bool, names: list[str], sweeps: int
    ) -> None:
        """Before everybody goes on, perhaps the stranger acts on what is new."""
        self.stranger.listen()
        self.stranger.forget_place(depth)
        self.branches.reorganise(depth, swaps)
        self.forget_what_was_taken_back()
        self.seen["reorganised"] += 1
        if is_told:
            self.use_what_was_said(DEEPEST)
        self.go_on(names, sweeps)

    @rule(trim=st.sampled_from([0, 2500, 5000]), exponent=st.integers(8, 14), bits=st.integers(20, 35))
    def owner_changes_the_rule(self, trim: int, exponent: int, bits: int) -> None:
        """For the rounds opened from now on; on another branch perhaps for one that was opened before."""
        changed = {"trimBps": trim, "classicalExponent": exponent, "normBound": 2**bits}
        self.testnet.owner.send(self.ledger.beacon.set_parameters(self.ledger.beacon.next_parameters() | changed))
        self.seen["rule changed"] += 1

    @rule(count=st.integers(0, DEEPEST))
    def use_what_was_said(self, count: int) -> None:
        """On whatever branch: in bundles, in the latest `count` calls once more, in disputes."""
        self.stranger.listen()
        number = self.ledger.beacon.current_round()
        for (round_number, shard, _), said in list(self.stranger.said.items()):
            if round_number == number:
                self.lie_along(said, self.ledger.beacon.committee(number, shard))
                for checkpoint, bundle in said.bundles():
                    call = self.ledger.beacon.submit_checkpoint(checkpoint, bundle)
                    self.seen["bundled"] += self.stranger.send(call)
        for call in self.stranger.calls[len(self.stranger.calls) - count :]:
            if call.label not in ANNOUNCEMENTS:
                self.seen["said again"] += self.stranger.send(call)
        self.accuse()

    def lie_along(self, said: Said, committee: list[ParticipantId]) -> None:
        """The liar signs whatever was proposed."""
        if self.ids[LIAR] not in committee:
            return
        seat = committee.index(self.ids[LIAR])
        for checkpoint in said.checkpoints:
            if self.lies < MOST_LIES:
                self.lies += 1
                digest = self.ledger.beacon_domain.checkpoint(checkpoint)
                message = scheme_of(self.ledger).message(digest, self.ids[LIAR], seat)
                said.signatures.setdefault(seat, set()).add(self.testnet.keys[LIAR].sign(message))

    @rule(what=st.sampled_from(Subject))
    def demand(self, what: Subject) -> None:
        """Something of the last round, of which something was accepted."""
        number = self.ledger.beacon.current_round()
        if not number:
            return
        round_ = self.ledger.round(number)
        demands, total, record = self.ledger.demands, self.ledger.beacon.shape().total, round_.record()
        chunks = -(-total // 8)
        if what is Subject.MODEL:
            call = demands.model(Part(what, number, 0, 0, 0, chunks, record.model_root))
            self.seen["demanded"] += self.stranger.send(call)
            return
        for accepted in self.ledger.beacon.accepted(number, self.ledger.from_block):
            checkpoint = accepted.checkpoint
            reveals = self.ledger.shards[checkpoint.shard].reveals(number, self.ledger.from_block)
            if what is Subject.AGGREGATE:
                part = Part(what, number, checkpoint.shard, 0, 0, chunks, checkpoint.aggregate_root)
                call = demands.aggregate(checkpoint, part)
            elif has_revealed_list(checkpoint, reveals):
                included = included_in(checkpoint, reveals)
                part = Part(what, number, checkpoint.shard, 0, 0, -(-total // 16), included[0].update_root)
                path = merkle_path(update_leaves(included), 0)
                call = demands.update(checkpoint, 0, included[0], path=path, part=part)
            else:
                continue
            self.seen["demanded"] += self.stranger.send(call)

    def accuse(self) -> None:
        """By all that there is."""
        self.stranger.listen()
        for said in self.stranger.said.values():
            for one, other, seat, first, second in said.accusations():
                committee = self.ledger.beacon.committee(one.round, one.shard)
                if seat >= len(committee) or committee[seat] == self.ids[LIAR]:
                    continue
                call = self.ledger.disputes.equivocation(one, other, seat, (0, first), (0, second))
                assert not self.stranger.send(call), f"validator {committee[seat]} was convicted of equivocation"
        for demanded in self.ledger.demands.made(self.ledger.from_block):
            assert not self.stranger.send(self.ledger.disputes.withheld(demanded.part)), f"{demanded} was not answered"
        ledger = self.new_ledger()
        detector = FaultDetector(ledger, Partial(self.testnet.store, self.aside), list(self.kems.values()))
        proven = Challenger(ledger, self.testnet.sender(STRANGER), detector).step()
        assert proven == []

    # --- what holds --------------------------------------------------------------------------------------------

    def stakes_now(self) -> dict[str, int]:
        records = self.ledger.staking.participants(list(self.ids.values()))
        return {name: record.stake_wei for name, record in zip(self.ids, records, strict=True)}

    @invariant()
    def nobody_honest_has_lost_anything(self) -> None:
        """But a client whose reveal did not stay on the chain is charged for that."""
        now = self.stakes_now()
        lost = {name for name in now if now[name] < self.stakes[name]}
        for name in lost & set(CLIENTS):
            rounds = range(1, self.ledger.beacon.current_round() + 1)
            assert any(self.ledger.rewards.is_charged(RoundNumber(n), self.ids[name]) for n in rounds)
        assert not lost & set(VALIDATORS)

    @invariant()
    def what_is_final_stays(self) -> None:
        height = self.branches.height
        for value in range(1, self.ledger.beacon.final_round() + 1):
            number = RoundNumber(value)
            record = self.ledger.beacon.round_at(number)
            if record.state is RoundState.FINAL:
                self.final.setdefault(number, (height, record.model_root))
        assert all(self.is_still_final(number) for number in self.final)

    def is_still_final(self, number: RoundNumber) -> bool:
        """Whether a round is final, with the model that it was final with."""
        record = self.ledger.beacon.round_at(number)
        return (record.state, record.model_root) == (RoundState.FINAL, self.final[number][1])

    def forget_what_was_taken_back(self) -> None:
        """Of what was final, by a reorganisation a moment ago: none that was so for longer than the deepest one."""
        for number in [number for number in self.final if not self.is_still_final(number)]:
            since, _ = self.final.pop(number)
            assert self.branches.height - since < DEEPEST, f"round {number} was final"

    @invariant()
    def the_books_balance(self) -> None:
        staking = self.ledger.staking
        assert self.testnet.web3.eth.get_balance(staking.address) == sum(staking.totals_wei())

    def teardown(self) -> None:
        self.testnet.close()
        if sys.exc_info()[0] is not None:
            return
        self.accuse()
        self.nobody_honest_has_lost_anything()
        self.seen["rounds"] += self.ledger.beacon.current_round()
        self.seen["final"] += len(self.final)


def set_up(testnet: Testnet, name: str) -> KemKey | None:
    """The key that a validator opens updates with in the private mode, which the chain knows."""
    context = testnet.context(name)
    told = testnet.ledger, context.sender, testnet.store, testnet.join(name), context.key, context.folder
    return set_up_encryption(*told)


class RememberingProver:
    """Makes each proof once: many runs begin alike."""

    def __init__(self, prover: Prover) -> None:
        self._prover, self._made = prover, dict[tuple[NormStatement, int], bytes]()

    @property
    def capacity(self) -> int:
        return self._prover.capacity

    def prove(self, lanes: NDArray[np.integer], salt: int, statement: NormStatement) -> bytes:
        if (statement, salt) not in self._made:
            self._made[statement, salt] = self._prover.prove(lanes, salt, statement)
        return self._made[statement, salt]


@contextmanager
def runs_of(
    folder: Path, monkeypatch: pytest.MonkeyPatch, chosen: dict[str, Any]
) -> Iterator[Callable[[Counter[str]], ReorganisedRounds]]:
    """Begins a run, always on the same chain with the same people; `chosen` is what their network is made of."""
    monkeypatch.setattr(validators, "DEMANDS_SECONDS", 0)
    monkeypatch.setattr("experiments.attacks.testnet.CountingStore", lambda *_, **__: MemoryStore())
    numbers, chains = count(), ExitStack()
    chosen |= {"marks": "marks", "challengeSeconds": CHALLENGE, "quorum": "lms"}  # a stranger bundles signatures

    def draw_anew(seed: int) -> None:
        """The same steps have the same keys, salts and signatures; what those cost decides what later blocks draw."""
        monkeypatch.setattr("secrets.token_bytes", np.random.default_rng(seed).bytes)

    @cache
    def chain(number: int) -> tuple[Testnet, Branches]:
        chains.close()
        home = folder / f"chain-{number}"
        site = SimpleNamespace(rpc_url=chains.enter_context(repeatable_chain(home)), ipfs_url="")
        draw_anew(3)  # with 0, no round of two shards becomes final: who sits where decides
        with Testnet(site, home / "people", **chosen) as pristine:
            for name in CLIENTS + VALIDATORS:
                pristine.join(name)
            for name in VALIDATORS:
                set_up(pristine, name)
        return pristine, Branches(site.rpc_url)

    def run(seen: Counter[str]) -> ReorganisedRounds:
        number = next(numbers)
        pristine, branches = chain(number // RUNS_A_CHAIN)
        branches.begin_anew()
        draw_anew(1)
        testnet = Testnet(pristine.devnet, folder / f"run-{number}", past=pristine, **chosen)
        testnet.store.blocks.update(pristine.store.blocks)
        return ReorganisedRounds(testnet, branches, seen)

    with chains:
        yield run


def find_losses(begin: Callable[[Counter[str]], ReorganisedRounds]) -> None:
    seen: Counter[str] = Counter()
    run_state_machine_as_test(
        lambda: begin(seen),
        settings=settings(max_examples=RUNS, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck)),
    )
    assert seen["rounds"] and seen["final"] and seen["reorganised"]


@pytest.mark.parametrize("shards", [1, 2], ids="{} shards".format)
def test_nobody_honest_loses_by_any_reorganisation(
    shards: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with runs_of(tmp_path, monkeypatch, {"shards": shards, "seats": len(VALIDATORS) // shards}) as begin:
        find_losses(begin)


def test_nobody_honest_loses_by_any_reorganisation_in_the_private_mode(
    norm_keys: NormKeys, prover: Prover, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proving = {"prover": RememberingProver(prover), "verifying_key": norm_keys.verifying_key}
    with runs_of(tmp_path, monkeypatch, {"job": replace(SMALL, mode="private"), **proving}) as begin:
        find_losses(begin)
