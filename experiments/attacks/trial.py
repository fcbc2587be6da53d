"""One run of the small job with an attack, or without: what the model is afterwards, and what everybody has.

Rounds 1 and 2 are run, and every lost round is repeated. Three clients and three validators are honest; a fourth
validator is bonded and asleep, so that a committee of four is left when attackers have been slashed. Attackers bond
before the first of the rounds of their attack, act in these and do nothing else. The reference is the run without them,
in which the rounds that the attack loses are lost too, because nobody attests: so both train in the same rounds, with
the same seeds, and every honest seat is paid in the same rounds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.attacks.adversary import ATTACKING_CLIENT, Acting, Adversary, names_of_attackers
from experiments.attacks.attack_outcome import AttackOutcome
from experiments.attacks.insistent import Attempt
from experiments.attacks.job import SmallJob
from experiments.attacks.seats import Silent
from experiments.attacks.strategy import Attack
from experiments.attacks.testnet import LocalTestnet
from experiments.poisoning.client import Poisoner
from qfl.chain.contracts.beacon import Phase
from qfl.chain.rpc.sender import UnsentCall
from qfl.challenger.challenger import Challenger
from qfl.challenger.fault_detector import FaultDetector
from qfl.client.client import Client
from qfl.client.concealed import NormProver
from qfl.crypto.norm.keys import VerifyingKey
from qfl.devnet import Devnet
from qfl.devnet.health import call_chain
from qfl.errors import RoundNotCompleted
from qfl.node.demands import OpenDemands
from qfl.node.settlement import final_at, rewards_due, settle_due
from qfl.node.standing import published_rounds
from qfl.protocol.types import ParticipantId, RoundNumber
from qfl.simulation.driver import run_until
from qfl.simulation.network import Network
from qfl.training.data.datasets import LabelledData
from qfl.training.trainer import LocalTrainer

MODELS = 2
"""Models that stand at the end."""
HONEST_CLIENTS = (1, 2, 3)
HONEST_VALIDATORS = (1, 2, 3)
ASLEEP = "validator-4"
CHALLENGING = 19
"""Development account of the honest challenger."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        model: content digest of the last model.
        funds_wei: of each honest participant: stake, rewards and what was paid out.
        gained_wei: what the attackers have more than before; gas is left out.
        gas, attempts: of the attackers' accounts.
        sightings: what stopped the attack, see `experiments.attacks.attack_outcome`.
        lost: rounds without a model that stands.
        lost_seconds: time of the chain that attackers cost by turns they let pass.
        searches: how often somebody searched for content that nobody stores.
        finding: what the attacker measured.
    """

    model: bytes
    funds_wei: dict[str, int]
    gained_wei: int = 0
    gas: int = 0
    attempts: tuple[Attempt, ...] = ()
    attack_outcomes: frozenset[str] = frozenset()
    lost: tuple[int, ...] = ()
    lost_seconds: int = 0
    searches: int = 0
    finding: str = ""


class Trial:
    """A run, with the people in it; `attack` is None for the reference that loses the rounds `lost`."""

    def __init__(self, testnet: LocalTestnet, job: SmallJob, attack: Attack | None, lost: tuple[int, ...]) -> None:
        self.testnet, self.ledger, self.attack, self.lost = testnet, testnet.ledger, attack, lost
        self.trainer = LocalTrainer(job.document, _shares(job, attack))
        self.clients = [testnet.client(number) for number in HONEST_CLIENTS]
        self.validators = [testnet.validator(number) for number in HONEST_VALIDATORS]
        testnet.join(ASLEEP)
        self.cast = Adversary(testnet, attack)
        keys = [validator.kem for validator in self.validators if validator.kem is not None]
        self.challenger = Challenger(
            self.ledger, testnet.sender(CHALLENGING), FaultDetector(self.ledger, testnet.store, keys)
        )

    def run(self) -> Outcome:
        """Run until two models stand; settle everything."""
        while len(published_rounds(self.ledger)) < MODELS:
            self.run_round()
            if self.ledger.beacon.current_round() > MODELS + len(self.lost):
                break
        self._settle()
        return self._outcome()

    def run_round(self) -> None:
        """Run the next round, whatever comes of it."""
        number = RoundNumber(self.ledger.beacon.current_round() + 1)
        acting = self.cast.acting_in(number)
        clients: list[Client] = list(self.clients)
        clients[self.cast.place : self.cast.place] = acting.clients
        validators = [*acting.validators, *self.validators]
        if self.attack is None and number in self.lost:
            validators = [self.testnet.validator(honest, Silent) for honest in HONEST_VALIDATORS]
        network = Network(
            self.ledger,
            clients,
            validators=validators,
            trainer=self.trainer,
            clock=self.testnet.clock,
            sender=self.testnet.owner,
        )
        openers = replace(network, validators=self.validators)
        self.testnet.open_round(openers, self._suits(acting))
        with suppress(RoundNotCompleted):
            run_until(network, Phase.IDLE)
        for outsider in acting.outsiders:
            outsider.after_round(number)
        if acting.challengers:
            acting.challengers[0].around(self.challenger)
        else:
            self.challenger.step()
        self._await_answers()

    def _await_answers(self) -> None:
        """Give those who signed for what was demanded the time they have, and let the challenger have the last word."""
        if demands := OpenDemands(self.ledger).read():
            for validator in self.validators:
                validator.answer_demands()
            self.testnet.clock.reach(max(demand.answer_by for demand in demands))
            self.challenger.step()

    def _suits(self, acting: Acting) -> Callable[[list[ParticipantId]], bool]:
        """Whether a committee gives attackers the seats they need, and the honest all the others, or one at least."""
        attackers = [validator.participant for validator in acting.validators] if self.cast.seated else []
        honest = {validator.participant for validator in self.validators}
        first = attackers[:1] if self.cast.first else []

        def suits(committee: list[ParticipantId]) -> bool:
            seated = honest & set(committee)
            enough = seated == honest if len(attackers) < 2 else bool(seated)
            return enough and set(attackers) <= set(committee) and committee[: len(first)] == first

        return suits

    def _settle(self) -> None:
        """Make the models final and credit all rewards."""
        numbers, owner = published_rounds(self.ledger), self.testnet.owner
        if numbers:
            self.testnet.clock.reach(final_at(self.ledger, numbers[-1]))
        settle_due(self.ledger, owner)
        credited: list[UnsentCall] = []
        for number in numbers:
            for call in rewards_due(self.ledger, number):
                owner.send(call)
                credited.append(call)
        for outsider in self.cast.outsiders:
            outsider.after_settlement(credited)

    def _outcome(self) -> Outcome:
        beacon = self.ledger.beacon
        honest = [f"client-{n}" for n in HONEST_CLIENTS] + [f"validator-{n}" for n in HONEST_VALIDATORS] + [ASLEEP]
        seen = AttackOutcome(self.testnet, self.cast)
        return Outcome(
            model=beacon.round_at(beacon.head_round()).content_digest,
            funds_wei={name: self.testnet.funds_wei(name) for name in honest},
            gained_wei=self.cast.gained_wei(),
            gas=sum(sender.gas for sender in self.cast.senders),
            attempts=tuple(attempt for sender in self.cast.senders for attempt in sender.attempts),
            attack_outcomes=seen.all(),
            lost=seen.lost_rounds(),
            lost_seconds=seen.lost_seconds(),
            searches=self.testnet.store.searches,
            finding="".join(outsider.finding for outsider in self.cast.outsiders),
        )


def _shares(job: SmallJob, attack: Attack | None) -> list[LabelledData]:
    """Everybody's data; an attacker that poisons it trains on its own as it makes it."""
    if attack is None or not issubclass(attack.strategy, Poisoner):
        return job.shares
    attacker = ATTACKING_CLIENT - 1
    return [
        attack.strategy.taint(share, job.document) if client == attacker else share
        for client, share in enumerate(job.shares)
    ]


@dataclass
class Moment:
    """A state of the network to come back to: the chain's snapshot, and everybody as they were, with their folders."""

    snapshot: str
    testnet: LocalTestnet


class Stage:
    """Where trials of one mode are played: one bonded network, which is put back afterwards.

    A trial starts at the moment before its attackers first act: nothing that everybody does honestly is done twice.
    What goes back is the chain, and all that people keep on disk. So keys sign with the same leaf in several pasts, of
    which one remains: only keys of a network that is thrown away may do that. Content stays on IPFS.

    Args:
        devnet: its chain is the stage's alone.
        prover: for the private mode, with the keys' `verifying_key`.
    """

    def __init__(
        self,
        devnet: Devnet,
        folder: Path,
        job: SmallJob,
        verifying_key: VerifyingKey | None = None,
        prover: NormProver | None = None,
    ) -> None:
        self._devnet, self._folder, self._job = devnet, folder, job
        self._verifying_key, self._prover = verifying_key, prover
        self._moments: list[Moment] = []
        """By how many rounds are over."""

    def play(self, name: str, attack: Attack | None, lost: tuple[int, ...]) -> Outcome:
        """Run the small job, with the attack or as the reference that loses the rounds `lost`."""
        moment = self._go_back(min(attack.rounds if attack else (MODELS,)) - 1)
        with self._arena(name, moment.testnet, names_of_attackers(attack)) as testnet:
            return Trial(testnet, self._job, attack, lost).run()

    def _go_back(self, rounds: int) -> Moment:
        """To the moment when `rounds` are over: put the network back there, or to the last one before and go on."""
        del self._moments[rounds + 1 :]  # reverting to a snapshot deletes those taken later
        if self._moments:
            last = self._moments[-1]
            call_chain(self._devnet.rpc_url, "evm_revert", last.snapshot)
            last.snapshot = self._snapshot()
        while len(self._moments) <= rounds:
            past = self._moments[-1].testnet if self._moments else None
            with self._arena("honest", past) as testnet:
                honest = Trial(testnet, self._job, None, ())
                if past is not None:
                    honest.run_round()
            self._moments.append(Moment(self._snapshot(), testnet))
        return self._moments[rounds]

    def _arena(self, name: str, past: LocalTestnet | None, attackers: Sequence[str] = ()) -> LocalTestnet:
        names = [f"client-{number}" for number in HONEST_CLIENTS]
        names += [f"validator-{number}" for number in HONEST_VALIDATORS]
        return LocalTestnet(
            *(self._devnet, Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder)), [*names, ASLEEP, *attackers]),
            *(self._job.document, self._job.genesis),
            marks="marks",
            verifying_key=self._verifying_key,
            prover=self._prover,
            past=past,
        )

    def _snapshot(self) -> str:
        return str(call_chain(self._devnet.rpc_url, "evm_snapshot"))
