"""One round, read from top to bottom: open, mirror, train, commit, reveal, verify, challenge, publish, challenge.

Every step is what the same role does in a process of its own (`qfl/daemon.py`); here they take turns in one
process, or `Network.at_once` of them act at the same time, so that what they ask of the chain travels together. All
clients train in one batch. When nobody here can act any more, the clock moves to the next deadline.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from qfl.chain.clock import Clock
from qfl.chain.contracts.beacon import Phase, RoundRecord, RoundState, ValidatorDuty
from qfl.chain.contracts.shard import ClientDuty
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.sender import TransactionSender
from qfl.challenger.challenger import Challenger
from qfl.client.batch import train_together
from qfl.client.client import Client
from qfl.errors import (
    ChainUnreachable,
    ContractReverted,
    RoundNotCompleted,
)
from qfl.node.meter import Meter
from qfl.node.missed import PROVEN_FALSE, why_missed
from qfl.node.settlement import final_at, unsettled_rounds
from qfl.protocol.types import ParticipantId, RoundNumber, ShardIndex, TrainingTask
from qfl.simulation.faults.conditions import Calm, Conditions
from qfl.simulation.scheduler import ONE_ROLE_FAILED, Turns
from qfl.storage.retention import Retention
from qfl.training.trainer import Trainer
from qfl.validator.mirror_keeper import admit_clients, begin_mirrors
from qfl.validator.validator import Validator

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Network:
    """The roles of this process and what moves them."""

    ledger: Ledger
    clients: Sequence[Client]
    validators: Sequence[Validator]
    trainer: Trainer
    clock: Clock
    challenger: Challenger | None = None
    conditions: Conditions = field(default_factory=Calm)
    meter: Meter = field(default_factory=Meter)
    sender: TransactionSender | None = None
    """Who pays for what belongs to no role: here, for the first message to a mirror, and for admitting clients."""
    at_once: int = 1
    """How many clients, or committees, act at the same time; with 1, each sees what the one before has done."""
    retention: Retention | None = None
    """How long content is kept; None keeps everything."""

    @property
    def turns(self) -> Turns:
        """How the roles here act."""
        return Turns(self.ledger, self.meter, self.at_once)

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
        """Time a stage of the round."""
        announce(name)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def run_round(network: Network, announce: Callable[[str], None] = lambda _stage: None) -> RoundOutcome:
    """Run one round to its published model; a round found open is taken up where it stands.

    Raises:
        RoundNotCompleted: its deadlines passed without a model, or a proven fault took it away.
        ChainUnreachable.
    """
    outcome = RoundOutcome(RoundNumber(0))

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        with outcome.stage(name, announce), network.meter.measuring_services(name):
            yield

    if network.ledger.beacon.context().phase is Phase.IDLE:
        network.conditions.begin(RoundNumber(network.ledger.beacon.current_round() + 1))
    with stage("open"):
        outcome.round = open_round(network)
    if network.ledger.mirrors:
        with stage("mirror"):
            mirror(network)
    with stage("train"):
        train(network)
    with stage("commit"):
        commit(network)
    with stage("reveal"):
        reveal(network)
    with stage("verify"):
        verify(network)
    with stage("challenge"):
        challenge(network)
    with stage("publish"):
        publish(network)
    with stage("challenge"):
        challenge(network)
    if network.retention is not None:
        with stage("release"):
            release(network, network.retention)
    outcome.included = count_included(network, outcome.round)
    outcome.missed = find_missed(network, outcome.round)
    return outcome


def open_round(network: Network) -> RoundNumber:
    """Let the first validator that may open the next round do so, after it has settled what is due."""
    for validator in network.validators:
        with network.meter.measuring("validator", validator.participant, "open"):
            if validator.duty().kind is ValidatorDuty.OPEN_ROUND and _settle_and_open(network, validator):
                break
    context = network.ledger.beacon.context()
    if context.phase is Phase.IDLE:
        raise RoundNotCompleted(context.round + 1, "no validator here is active, so none can open it")
    return context.round


def mirror(network: Network) -> None:
    """Bring the round to the shards' own chains; a shard that it cannot be brought to misses it."""
    network.clock.reach(network.ledger.now())  # a chain that was away has time to make up
    if network.sender is not None:
        begin_mirrors(network.ledger, network.sender)
    number, acted = network.ledger.beacon.current_round(), True
    while acted:
        acted = False
        for validator in network.validators:
            if network.conditions.answers(number, validator.participant):
                with (
                    network.meter.measuring("validator", validator.participant, "mirror"),
                    network.turns.tolerating(validator.participant),
                ):
                    acted |= validator.keep_mirrors()
    if network.sender is not None:
        admit_clients(network.ledger, network.sender, [client.participant for client in network.clients])


def train(network: Network) -> None:
    """Train every client that has not yet prepared its update, in one batch."""

    def begin(client: Client) -> TrainingTask | None:
        duty, number, shard = _duty_of(network, client)
        if duty is not ClientDuty.COMMIT or not network.conditions.is_present(number, client.participant):
            return None
        return client.training_task(number, shard)

    tasks = network.turns.let_each("client", "train", network.clients, begin)
    waiting = [(client, task) for client, task in zip(network.clients, tasks, strict=True) if task is not None]
    with network.meter.measuring("client", [client.participant for client, _ in waiting], "train"):
        results = train_together(network.trainer, waiting)
    trained = [client for client, _ in waiting if client.participant in results]
    network.turns.let_each("client", "train", trained, lambda client: client.prepare(results[client.participant]))


def commit(network: Network) -> None:
    """Commit, and let the commit phase end."""

    def act(client: Client) -> None:
        duty, number, _ = _duty_of(network, client)
        in_time = network.conditions.is_in_time(number, client.participant)
        if duty is ClientDuty.COMMIT and in_time and client.has_prepared(number):
            client.commit(number)

    network.turns.let_each("client", "commit", network.clients, act)
    _end_phase(network, Phase.COMMIT)


def reveal(network: Network) -> None:
    """Store and reveal."""

    def act(client: Client) -> None:
        duty, number, _ = _duty_of(network, client)
        if duty is ClientDuty.REVEAL:
            client.reveal(number)

    network.turns.let_each("client", "reveal", network.clients, act)


def look(network: Network) -> None:
    """Let the committees check what is revealed while nobody can speak yet, and let the reveal phase end."""
    number = network.ledger.beacon.current_round()

    def act(validator: Validator) -> None:
        if network.conditions.answers(number, validator.participant):
            validator.look(number)

    network.turns.let_each("validator", "verify", network.validators, act)
    _end_phase(network, Phase.REVEAL)


def verify(network: Network) -> None:
    """Let the committees look, then agree; when nobody has anything to say, asked twice, the next turn comes."""

    def act(validator: Validator) -> bool:
        duty = validator.duty()
        answers = network.conditions.answers(duty.round, validator.participant)
        return duty.kind is ValidatorDuty.VERIFY and answers and validator.verify(duty)

    def shard_of(validator: Validator) -> ShardIndex:
        return validator.duty().shard

    look(network)
    quiet = 0
    while (context := network.ledger.beacon.context()).phase is Phase.CHECKPOINT:
        # The seats of one committee act one after the other: what one says, the next has heard.
        said = network.turns.let_each("validator", "verify", network.validators, act, shard_of)
        quiet = 0 if any(said) else quiet + 1
        if quiet > 1:
            begun = (network.ledger.now() - context.reveal_ends_at) // context.turn_seconds
            next_turn = context.reveal_ends_at + (begun + 1) * context.turn_seconds
            network.clock.reach(min(next_turn, context.phase_ends_at))


def publish(network: Network) -> None:
    """Let the first validator that can publish the model do so."""
    for validator in network.validators:
        with network.meter.measuring("validator", validator.participant, "publish"):
            duty = validator.duty()
            if duty.kind is ValidatorDuty.PUBLISH and network.conditions.answers(duty.round, validator.participant):
                with network.turns.tolerating(validator.participant):
                    validator.publish(duty.round)
    record = network.ledger.beacon.round_at(network.ledger.beacon.current_round())
    if record.state is not RoundState.PUBLISHED:
        raise RoundNotCompleted(record.number, _why_not(network, record))


def challenge(network: Network) -> None:
    """Let the challenger recompute what is new, and prove what is false: a round that falls with it ends here."""
    if network.challenger is None:
        return
    try:
        with network.meter.measuring("challenger", None, "challenge"):
            proven = network.challenger.step()
    except ONE_ROLE_FAILED as fault:
        log.warning("the challenger goes on without this step: %s", fault)
        return
    if proven:
        record = network.ledger.beacon.round_at(network.ledger.beacon.current_round())
        if record.state in (RoundState.FAILED, RoundState.VOID):
            raise RoundNotCompleted(record.number, _why_not(network, record))


def release(network: Network, retention: Retention) -> None:
    """Let everybody let go of what nobody needs any more, and have the store delete it."""
    turns = network.turns
    released = turns.let_each("client", "release", network.clients, lambda client: client.release(retention))
    released += turns.let_each("validator", "release", network.validators, lambda seat: seat.release(retention))
    if any(released):
        retention.store.collect_garbage()


def count_included(network: Network, number: RoundNumber) -> int:
    """Updates included in the round, over all shards."""
    records = (network.ledger.beacon.checkpoint_at(number, shard) for shard in _shards(network))
    return sum(record.count for record in records if record.stands)


def find_missed(network: Network, number: RoundNumber) -> dict[ShardIndex, str]:
    """The shards that have no part in a round, and why."""
    reasons = {shard: why_missed(network.ledger, number, shard) for shard in _shards(network)}
    return {shard: reason for shard, reason in reasons.items() if reason is not None}


def _settle_and_open(network: Network, validator: Validator) -> bool:
    """Settle what is due and open; where too many models wait to be final, the oldest one's time comes first."""
    validator.settle()
    try:
        return validator.open_round()
    except ContractReverted as refusal:
        if refusal.name != "TooManyUnsettled":
            raise
    network.clock.reach(final_at(network.ledger, next(unsettled_rounds(network.ledger))))
    validator.settle()
    return validator.open_round()


def _why_not(network: Network, record: RoundRecord) -> str:
    if record.state is RoundState.VOID:
        return "its model was proven false, or builds on one that was"
    if network.ledger.beacon.round_at(record.base_round).state is RoundState.VOID:
        return "the model it trains on was proven false"
    missed = find_missed(network, record.number)
    if PROVEN_FALSE in missed.values():
        return PROVEN_FALSE
    if len(missed) < len(network.ledger.shards):
        return "no validator could publish"
    return "; ".join(dict.fromkeys(missed.values()))


def _shards(network: Network) -> list[ShardIndex]:
    return [ShardIndex(shard) for shard in range(len(network.ledger.shards))]


def _end_phase(network: Network, phase: Phase) -> None:
    context = network.ledger.beacon.context()
    if context.phase is phase:
        network.clock.reach(context.phase_ends_at)


def _duty_of(network: Network, client: Client) -> tuple[ClientDuty, RoundNumber, ShardIndex]:
    """What a client should do now; where its shard's chain does not answer, nothing."""
    try:
        return client.duty()
    except ChainUnreachable as fault:
        if not network.ledger.is_of_a_shard(fault):
            raise
        return ClientDuty.WAIT, RoundNumber(0), ShardIndex(0)
