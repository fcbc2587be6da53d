"""A whole run in one process: let everybody step until all are quiet, then move the clock to the next deadline.

What a role does in a step is its own business, here as in a process of its own (`qfl/daemon.py`). This says who steps
in which phase of the beacon, in which order, and under which name the time is measured.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field

from qfl.chain.clock import Clock
from qfl.chain.contracts.beacon import Phase, RoundState
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.sender import TransactionSender
from qfl.challenger.challenger import Challenger
from qfl.client.client import Client
from qfl.errors import RoundNotCompleted
from qfl.node.meter import Meter
from qfl.node.outcome import count_included, find_missed, why_without_model
from qfl.node.pruner import Retention
from qfl.node.settlement import final_at, unsettled_rounds
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex
from qfl.scheduler import Scheduler
from qfl.simulation.faults.fault import Conditions
from qfl.training.trainer import Trainer
from qfl.validator.mirror_keeper import admit_clients, begin_mirrors, silent_until
from qfl.validator.validator import Validator


@dataclass(frozen=True)
class Network:
    """The roles of this process and what moves them.

    Attributes:
        sender: pays for what belongs to no role: the first message to a mirror, and admitting clients.
        at_once: how many clients, or committees, act at the same time; with 1, each sees what the one before has done.
        retention: how long content is kept; None keeps everything.
    """

    ledger: Ledger
    clients: Sequence[Client]
    _: KW_ONLY
    validators: Sequence[Validator]
    trainer: Trainer
    clock: Clock
    sender: TransactionSender
    challenger: Challenger | None = None
    conditions: Conditions = field(default_factory=Conditions)
    meter: Meter = field(default_factory=Meter)
    at_once: int = 1
    retention: Retention | None = None

    @property
    def scheduler(self) -> Scheduler:
        return Scheduler(self.ledger, self.meter, at_once=self.at_once)

    @property
    def participants(self) -> list[ParticipantId]:
        """Everybody here, clients first."""
        return [client.participant for client in self.clients] + [v.participant for v in self.validators]


@dataclass
class RoundOutcome:
    """What a round came to; `seconds` by stage, `missed` says why a shard has no part in it."""

    round: RoundNumber
    included: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    missed: dict[ShardIndex, str] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, announce: Callable[[str], None] = lambda _stage: None) -> Iterator[None]:
        announce(name)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def run_round(network: Network, announce: Callable[[str], None] = lambda _stage: None) -> RoundOutcome:
    """Run one round to its published model; a round found open is taken up where it stands.

    Raises RoundNotCompleted: its deadlines passed without a model, or a proven fault took it away; ChainUnreachable.
    """
    driver = Driver(network, announce)
    number, outcome = driver.run_until(Phase.IDLE), driver.outcome
    if network.retention is not None:
        with driver.stage("release"):
            network.scheduler.release(network.clients, network.validators, retention=network.retention, stage="release")
    outcome.included, outcome.missed = count_included(network.ledger, number), find_missed(network.ledger, number)
    return outcome


def run_until(network: Network, phase: Phase) -> RoundNumber:
    """Run the open round, or the next one, until `phase` begins or it is over (IDLE). Raises as `run_round`."""
    return Driver(network).run_until(phase)


class Driver:
    """Runs one round; `outcome` says how long each stage took."""

    def __init__(self, network: Network, announce: Callable[[str], None] = lambda _stage: None) -> None:
        self._network, self._scheduler, self._announce = network, network.scheduler, announce
        self._ledger, self._beacon, self._clock = network.ledger, network.ledger.beacon, network.clock
        self.outcome = RoundOutcome(RoundNumber(0))

    def run_until(self, until: Phase) -> RoundNumber:
        if self._beacon.context().phase is Phase.IDLE:
            self._network.conditions.begin(RoundNumber(self._beacon.current_round() + 1))
            with self.stage("open"):
                self._open()
        number = self.outcome.round = self._beacon.current_round()
        act = {
            Phase.COMMIT: self._commit,
            Phase.REVEAL: self._reveal,
            Phase.CHECKPOINT: self._verify,
            Phase.PUBLISH: self._publish,
        }
        while (phase := self._beacon.context().phase) not in (until, Phase.IDLE):
            act[phase]()
        if phase is Phase.IDLE:
            self._challenge()
            record = self._beacon.round_at(number)
            if record.state not in (RoundState.PUBLISHED, RoundState.FINAL):
                raise RoundNotCompleted(number, why_without_model(self._network.ledger, record))
        return number

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        with self.outcome.stage(name, self._announce), self._network.meter.measuring_services(name):
            yield

    def _open(self) -> None:
        """Let the first validator that may open the next round do so."""
        for validator in self._network.validators:
            (step,) = self._scheduler.step_validators([validator], Phase.IDLE, stage="open")
            if step.refusal is not None:
                if step.refusal.name != "TooManyUnsettled":
                    raise step.refusal
                until = final_at(self._network.ledger, next(unsettled_rounds(self._network.ledger)))
                if until <= self._ledger.now():  # somebody demands what nobody shows, and nobody proves it
                    raise step.refusal
                self._clock.reach(until)
                return self._open()
            if step:
                return None
        raise RoundNotCompleted(self._beacon.current_round() + 1, "no validator here is active, so none can open it")

    def _commit(self) -> None:
        network, conditions, number = self._network, self._network.conditions, self.outcome.round
        if network.ledger.mirrors:
            with self.stage("mirror"):  # a shard that the round cannot be brought to misses it
                self._clock.reach(network.ledger.now())  # a chain that was away has time to make up
                begin_mirrors(network.ledger, network.sender)
                while self._step(Phase.COMMIT, "mirror", lambda _validator: 0) or self._outwait_gossip():
                    pass
                admit_clients(
                    network.ledger, network.sender, clients=[client.participant for client in network.clients]
                )
        with self.stage("train"):
            present = [client for client in network.clients if conditions.is_present(number, client.participant)]
            untrained = [client for client in present if not client.has_prepared(number)]
            self._scheduler.step_clients(untrained, network.trainer, stage="train")
        with self.stage("commit"):
            trained = [client for client in present if client.has_prepared(number)]
            in_time = [client for client in trained if conditions.is_in_time(number, client.participant)]
            self._scheduler.step_clients(in_time, network.trainer, stage="commit")
            self._wait(Phase.COMMIT)

    def _outwait_gossip(self) -> bool:
        """Move the clock to when the committees tell mirrors on chain what gossip did not; whether there was a need."""
        until = silent_until(self._ledger, self.outcome.round)
        if is_ahead := self._ledger.now() < until:
            self._clock.reach(until)
        return is_ahead

    def _reveal(self) -> None:
        """Let the first seats show their links, one slot after the other, while updates are revealed."""
        with self.stage("draw"):
            self._step(Phase.REVEAL, "draw", lambda validator: validator.participant)
        with self.stage("reveal"):
            self._scheduler.step_clients(self._network.clients, self._network.trainer, stage="reveal")
        with self.stage("verify"):  # while nobody can speak yet, the committees check what is revealed
            self._step(Phase.REVEAL, "verify", lambda validator: validator.participant)
            self._wait(Phase.REVEAL, self._ledger.draw.next_slot(self.outcome.round, self._ledger.now()))

    def _verify(self) -> None:
        """Let the committees agree; when nobody has anything to say, asked twice, the next turn comes."""
        quiet = 0
        with self.stage("verify"):
            while self._beacon.context().phase is Phase.CHECKPOINT:
                # The seats of one committee act one after the other: what one says, the next has heard.
                said = self._step(Phase.CHECKPOINT, "verify", lambda validator: validator.duty().shard)
                quiet = 0 if said else quiet + 1
                if quiet > 1:
                    self._wait(Phase.CHECKPOINT)

    def _publish(self) -> None:
        """Let whose slot it is publish, unless what the model is made of is proven false."""
        if not self._challenge():
            with self.stage("publish"):
                if not self._step(Phase.PUBLISH, "publish", lambda _validator: 0):
                    self._wait(Phase.PUBLISH, self._ledger.draw.publisher_of(self.outcome.round)[1])

    def _challenge(self) -> bool:
        """Let the challenger recompute what is new; whether it proved something false."""
        with self.stage("challenge"):
            return self._scheduler.step_challenger(self._network.challenger, stage="challenge")

    def _step(self, phase: Phase, stage: str, queue_of: Callable[[Validator], int]) -> bool:
        """Let the validators step that do anything in this round; whether one of them acted."""
        answers, number = self._network.conditions.answers, self.outcome.round
        members = [validator for validator in self._network.validators if answers(number, validator.participant)]
        return any(self._scheduler.step_validators(members, phase, stage=stage, queue_of=queue_of))

    def _wait(self, phase: Phase, until: int | None = None) -> None:
        """Move the clock to a phase's next deadline, or to a time before that, unless the phase is over."""
        if (context := self._beacon.context()).phase is phase:
            self._clock.reach(until or context.next_deadline(self._ledger.now()))
