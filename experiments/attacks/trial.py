"""One run of the small job with an attack, or without: what the model is afterwards, and what everybody has.

Rounds are run until two models stand, or as many as the attack leaves: every lost round is repeated. Three clients and
three validators are honest; a fourth validator is bonded and asleep, so that a committee of four is left when attackers
have been slashed. Attackers bond before the first of the rounds of their attack, act in these and do nothing else. The
reference is the run without them, in which the rounds that the attack loses are lost too, because nobody attests: so
both train in the same rounds, with the same seeds, and every honest seat is paid in the same rounds.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from experiments.attacks.adversary import ATTACKING_CLIENT, Acting, Adversary
from experiments.attacks.attack_outcome import AttackOutcome
from experiments.attacks.gossip import Wire
from experiments.attacks.seats import Silent
from experiments.attacks.strategy import Attack
from experiments.attacks.testnet import LocalTestnet
from experiments.poisoning.client import Poisoner
from qfl.chain.contracts.beacon import Phase
from qfl.chain.deploy import Genesis
from qfl.chain.rpc.sender import UnsentCall
from qfl.challenger.challenger import Challenger
from qfl.challenger.fault_detector import FaultDetector
from qfl.client.client import Client
from qfl.errors import RoundNotCompleted
from qfl.node.demands import OpenDemands
from qfl.node.settlement import final_at, rewards_due, settle_due
from qfl.node.standing import published_rounds
from qfl.protocol.types import ParticipantId, RoundNumber
from qfl.simulation.config import JobConfig
from qfl.simulation.driver import Network, run_until
from qfl.simulation.prepare import genesis_model, prepare_job
from qfl.training.data.datasets import LabelledData
from qfl.training.job import JobDocument
from qfl.training.trainer import LocalTrainer

CONFIG = JobConfig(
    clients=4,
    rounds=2,
    classes=(0, 1),
    limit=80,
    model={"encoding": "angle", "qubits": 4, "layers": 3, "head": False, "features": 4},
    training={"steps": 3, "batch_size": 8},
)
"""Real training of a real quantum model, small enough to run fifty times: two digits on four qubits, 36 angles."""
HONEST_CLIENTS = (1, 2, 3)
HONEST_VALIDATORS = (1, 2, 3)
ASLEEP = "validator-4"
HONEST = [
    *(f"client-{number}" for number in HONEST_CLIENTS),
    *(f"validator-{number}" for number in HONEST_VALIDATORS),
    ASLEEP,
]
CHALLENGING = 19
"""Development account of the honest challenger."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        model: content digest of the last model.
        funds_wei: of each honest participant: stake, rewards and what was paid out.
        gained_wei: what the attackers have more than before; gas is left out.
        gas: of the attackers' transactions.
        attack_outcomes: what stopped the attack, see `experiments.attacks.attack_outcome`.
        lost: rounds without a model that stands.
        lost_seconds: time of the chain that attackers cost by turns they let pass.
        searches: how often somebody searched for content that nobody stores.
        finding: what the attacker measured.
    """

    model: bytes
    funds_wei: dict[str, int]
    gained_wei: int = 0
    gas: int = 0
    attack_outcomes: frozenset[str] = frozenset()
    lost: tuple[int, ...] = ()
    lost_seconds: int = 0
    searches: int = 0
    finding: str = ""


@dataclass(frozen=True)
class SmallJob:
    """The job, its first model, and the data of each client."""

    document: JobDocument
    genesis: tuple[Genesis, bytes]
    shares: list[LabelledData]

    @classmethod
    def load(cls, mode: str) -> SmallJob:
        """Prepare it in this mode: seconds the first time, for torch's sake."""
        config = replace(CONFIG, mode=mode)
        document, _, shares = prepare_job(config)
        return cls(document, genesis_model(document, config.seed), shares)


class Trial:
    """A run, with the people in it; the reference is one in which nobody attacks and the same rounds are lost."""

    def __init__(self, testnet: LocalTestnet, job: SmallJob, attack: Attack) -> None:
        self.testnet, self.ledger, self.attack = testnet, testnet.ledger, attack
        self.trainer = LocalTrainer(job.document, _shares(job, attack))
        testnet.pubsub = Wire() if attack.gossips else None
        testnet.ledger.deployment = replace(testnet.ledger.deployment, confirmations=attack.confirmations)
        self.clients = [self._client(number) for number in HONEST_CLIENTS]
        self.validators = [testnet.validator(number) for number in HONEST_VALIDATORS]
        testnet.join(ASLEEP)
        self.cast = Adversary(testnet, attack)
        keys = [validator.kem for validator in self.validators if validator.kem is not None]
        self.challenger = Challenger(
            self.ledger, testnet.sender(CHALLENGING), FaultDetector(self.ledger, testnet.store, keys)
        )

    def _client(self, number: int) -> Client:
        """An honest one, which commits as the attack says; the first has the nodes that it says."""
        how, testnet = self.attack, self.testnet
        nodes: list[str] = []
        if number == HONEST_CLIENTS[0] and how.nodes:
            nodes = [testnet.lying_node.url, testnet.devnet.rpc_url][: how.nodes]
        return testnet.client(number, mode=how.signing, confirmations=how.confirmations, nodes=nodes)

    def run(self) -> Outcome:
        """Run until the attack's models stand and the rounds that it is to lose are over; settle everything."""
        expected = self.attack.models + len(self.attack.lost)
        while (rounds := self.ledger.beacon.current_round()) <= expected:
            if rounds == expected and len(published_rounds(self.ledger)) >= self.attack.models:
                break
            self.run_round()
        self._settle()
        return self._outcome()

    def run_round(self) -> None:
        """Run the next round, whatever comes of it."""
        number = RoundNumber(self.ledger.beacon.current_round() + 1)
        acting = self.cast.acting_in(number)
        clients: list[Client] = list(self.clients)
        clients[self.attack.place : self.attack.place] = acting.clients
        validators = [*acting.validators, *self.validators]
        if not self.attack.rounds and number in self.attack.lost:
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
        self._await_handover()
        self.testnet.mine(self.attack.confirmations)
        with suppress(RoundNotCompleted):
            run_until(network, Phase.IDLE)
        for outsider in acting.outsiders:
            outsider.after_round(number)
        if acting.challengers:
            acting.challengers[0].around(self.challenger)
        else:
            self.challenger.step()
        self._await_answers()

    def _await_handover(self) -> None:
        """Where attackers are to bring the round to a mirror, let the turn pass after which others may."""
        for mirror in self.ledger.mirrors:
            committees = mirror.handovers()
            seated = {seat.validator for handover in committees[:1] for seat in mirror.sitting(handover.round)}
            if len(committees) > 1 and seated & self.cast.participants:
                self.testnet.clock.reach(committees[1].opens_at)

    def _await_answers(self) -> None:
        """Give those who signed for what was demanded the time they have, and let the challenger have the last word."""
        if demands := OpenDemands(self.ledger).read():
            for validator in self.validators:
                validator.answer_demands()
            self.testnet.clock.reach(max(demand.answer_by for demand in demands))
            self.challenger.step()

    def _suits(self, acting: Acting) -> Callable[[list[ParticipantId]], bool]:
        """Whether a committee gives attackers the seats they need, and the honest all the others, or one at least.

        Where no validator attacks, an honest one sits first and shows its link: nobody is benched before the attack.
        Where there are several shards, whoever sits first publishes, and who shares a shard with whom changes the
        model by rounding: both are always the same.
        """
        attackers = [validator.participant for validator in acting.validators] if self.attack.seated else []
        honest = {validator.participant for validator in self.validators}
        first = attackers[:1] if self.attack.first else []
        in_order = [*attackers, *(validator.participant for validator in self.validators)]

        def suits_shards(seats: list[ParticipantId]) -> bool:
            number, clients = self.ledger.beacon.current_round(), [client.participant for client in self.clients]
            alone, *together = self.ledger.beacon.shards_of(number, clients)
            return seats == in_order[: len(seats)] and {*together} == {1 - alone}

        def suits(committee: list[ParticipantId]) -> bool:
            seated = honest & set(committee)
            enough = seated == honest if len(attackers) < 2 else bool(seated)
            is_right_first = committee[: len(first)] == first and (bool(attackers) or committee[0] in honest)
            return enough and set(attackers) <= set(committee) and is_right_first

        return suits if len(self.ledger.shards) == 1 else suits_shards

    def _settle(self) -> None:
        """Make the models final and credit all rewards."""
        numbers, owner = published_rounds(self.ledger), self.testnet.owner
        if numbers:
            self.testnet.clock.reach(final_at(self.ledger, numbers[-1]))
        settle_due(self.ledger, owner)
        credited: list[UnsentCall] = []
        for call in rewards_due(self.ledger, numbers):
            owner.send(call)
            credited.append(call)
        for outsider in self.cast.outsiders:
            outsider.after_settlement(credited)

    def _outcome(self) -> Outcome:
        beacon = self.ledger.beacon
        seen = AttackOutcome(self.testnet, self.cast)
        return Outcome(
            model=beacon.round_at(beacon.head_round()).content_digest,
            funds_wei={name: self.testnet.funds_wei(name) for name in HONEST},
            gained_wei=self.cast.gained_wei(),
            gas=sum(sender.gas for sender in self.cast.senders),
            attack_outcomes=seen.all(),
            lost=seen.lost_rounds(),
            lost_seconds=seen.lost_seconds(),
            searches=self.testnet.store.searches,
            finding="".join(outsider.finding for outsider in self.cast.outsiders),
        )


def _shares(job: SmallJob, attack: Attack) -> list[LabelledData]:
    """Everybody's data; an attacker that poisons it trains on its own as it makes it."""
    if not issubclass(attack.strategy, Poisoner):
        return job.shares
    attacker = ATTACKING_CLIENT - 1
    return [
        attack.strategy.taint(share, job.document) if client == attacker else share
        for client, share in enumerate(job.shares)
    ]
