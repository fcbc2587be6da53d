"""One round, read from top to bottom: open, train, commit, reveal, verify, challenge, publish, challenge.

Every step is what the same role does in a process of its own (`qfl/roles/loop.py`); here they take turns in one
process, and all clients train in one batch. When nobody here can act any more, the clock moves to the next deadline.
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
from qfl.dynamics.conditions import Calm, Conditions
from qfl.errors import (
    ContractReverted,
    NotFinite,
    ProofFailed,
    ProtocolError,
    RoundNotCompleted,
    StorageError,
    TransactionFailed,
)
from qfl.roles.challenger import Challenger
from qfl.roles.client import Client
from qfl.roles.settlement import final_at, unsettled_rounds
from qfl.roles.trainer import Trainer
from qfl.roles.validator import Validator
from qfl.types import ParticipantId, RoundNumber, ShardIndex

log = logging.getLogger(__name__)

ONE_ROLE_FAILED = (ContractReverted, NotFinite, ProofFailed, ProtocolError, StorageError, TransactionFailed)
"""Faults of one role that do not stop the others."""


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

    @property
    def participants(self) -> list[ParticipantId]:
        """Everybody here, clients first."""
        return [client.participant for client in self.clients] + [v.participant for v in self.validators]


@dataclass
class RoundOutcome:
    """What a round came to; `seconds` by stage."""

    round: RoundNumber
    included: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

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
    if network.ledger.beacon.context().phase is Phase.IDLE:
        network.conditions.begin(RoundNumber(network.ledger.beacon.current_round() + 1))
    with outcome.stage("open", announce):
        outcome.round = open_round(network)
    with outcome.stage("train", announce):
        train(network)
    with outcome.stage("commit", announce):
        commit(network)
    with outcome.stage("reveal", announce):
        reveal(network)
    with outcome.stage("verify", announce):
        verify(network)
    with outcome.stage("challenge", announce):
        challenge(network)
    with outcome.stage("publish", announce):
        publish(network)
    with outcome.stage("challenge", announce):
        challenge(network)
    outcome.included = count_included(network, outcome.round)
    return outcome


def open_round(network: Network) -> RoundNumber:
    """Let the first validator that may open the next round do so, after it has settled what is due."""
    for validator in network.validators:
        if validator.duty().kind is ValidatorDuty.OPEN_ROUND and _settle_and_open(network, validator):
            break
    context = network.ledger.beacon.context()
    if context.phase is Phase.IDLE:
        raise RoundNotCompleted(context.round + 1, "no validator here is active, so none can open it")
    return context.round


def train(network: Network) -> None:
    """Train every client that has not yet prepared its update, in one batch."""
    waiting = []
    for client in network.clients:
        duty, number, shard = client.duty()
        if duty is ClientDuty.COMMIT and network.conditions.is_present(number, client.participant):
            with _tolerating(client.participant):
                if (task := client.training_task(number, shard)) is not None:
                    waiting.append((client, task))
    while waiting:
        try:
            trained = network.trainer.train([task for _, task in waiting], [client.index for client, _ in waiting])
        except NotFinite as fault:
            client, _ = waiting.pop(fault.index)
            log.warning("participant %d goes on without this step: %s", client.participant, fault)
            continue
        for (client, _), result in zip(waiting, trained, strict=True):
            with _tolerating(client.participant):
                client.prepare(result)
        return


def commit(network: Network) -> None:
    """Commit, and let the commit phase end."""
    for client in network.clients:
        duty, number, _ = client.duty()
        in_time = network.conditions.is_in_time(number, client.participant)
        if duty is ClientDuty.COMMIT and in_time and client.has_prepared(number):
            with _tolerating(client.participant):
                client.commit(number)
    _end_phase(network, Phase.COMMIT)


def reveal(network: Network) -> None:
    """Store and reveal, and let the reveal phase end."""
    for client in network.clients:
        duty, number, _ = client.duty()
        if duty is ClientDuty.REVEAL:
            with _tolerating(client.participant):
                client.reveal(number)
    _end_phase(network, Phase.REVEAL)


def verify(network: Network) -> None:
    """Let the committees propose and attest; when nobody can act, the next proposer's turn comes."""
    while (context := network.ledger.beacon.context()).phase is Phase.CHECKPOINT:
        acted = False
        for validator in network.validators:
            duty = validator.duty()
            if duty.kind is ValidatorDuty.VERIFY and network.conditions.answers(duty.round, validator.participant):
                with _tolerating(validator.participant):
                    acted |= validator.verify(duty)
        if not acted:
            begun = (network.ledger.now() - context.reveal_ends_at) // context.turn_seconds
            next_turn = context.reveal_ends_at + (begun + 1) * context.turn_seconds
            network.clock.reach(min(next_turn, context.phase_ends_at))


def publish(network: Network) -> None:
    """Let the first validator that can publish the model do so."""
    for validator in network.validators:
        duty = validator.duty()
        if duty.kind is ValidatorDuty.PUBLISH and network.conditions.answers(duty.round, validator.participant):
            with _tolerating(validator.participant):
                validator.publish(duty.round)
    record = network.ledger.beacon.round_at(network.ledger.beacon.current_round())
    if record.state is not RoundState.PUBLISHED:
        raise RoundNotCompleted(record.number, _why_not(network, record))


def challenge(network: Network) -> None:
    """Let the challenger recompute what is new, and prove what is false: a round that falls with it ends here."""
    try:
        proven = network.challenger.step() if network.challenger is not None else []
    except ONE_ROLE_FAILED as fault:
        log.warning("the challenger goes on without this step: %s", fault)
        return
    if proven:
        record = network.ledger.beacon.round_at(network.ledger.beacon.current_round())
        if record.state in (RoundState.FAILED, RoundState.VOID):
            raise RoundNotCompleted(record.number, _why_not(network, record))


def count_included(network: Network, number: RoundNumber) -> int:
    """Updates included in the round, over all shards."""
    records = (network.ledger.beacon.checkpoint_at(number, shard) for shard in _shards(network))
    return sum(record.count for record in records if record.stands)


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
    number, opened = record.number, network.ledger.opened_in(record.number)
    if record.state is RoundState.VOID:
        return "its model was proven false, or builds on one that was"
    if network.ledger.beacon.round_at(record.base_round).state is RoundState.VOID:
        return "the model it trains on was proven false"
    if any(network.ledger.beacon.checkpoint_at(number, shard).voided for shard in _shards(network)):
        return "its checkpoint was proven false"
    if not any(shard.commits(number, opened) for shard in network.ledger.shards):
        return "no client committed"
    if not any(shard.reveals(number, opened) for shard in network.ledger.shards):
        return "no client revealed"
    if not record.checkpoints:
        return "no committee reached a quorum"
    return "no validator could publish"


def _shards(network: Network) -> list[ShardIndex]:
    return [ShardIndex(shard) for shard in range(len(network.ledger.shards))]


def _end_phase(network: Network, phase: Phase) -> None:
    context = network.ledger.beacon.context()
    if context.phase is phase:
        network.clock.reach(context.phase_ends_at)


@contextmanager
def _tolerating(participant: int) -> Iterator[None]:
    try:
        yield
    except ONE_ROLE_FAILED as fault:
        log.warning("participant %d goes on without this step: %s", participant, fault)
