"""Many roles in one process: in turn or some at the same time, with one training batch; a failed one stops nobody."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from qfl.chain.contracts.beacon import Phase
from qfl.chain.ledger import Ledger
from qfl.challenger.challenger import Challenger
from qfl.client.client import Client
from qfl.errors import (
    PASSING,
    ContractReverted,
    NotFinite,
    ProofFailed,
    ProtocolError,
    QflError,
    ShardUnreachable,
    StorageError,
    TransactionFailed,
)
from qfl.node.context import QUIET, Step
from qfl.node.meter import Meter
from qfl.node.pruner import Retention
from qfl.protocol.types import ParticipantId, TrainingResult, TrainingTask
from qfl.training.trainer import Trainer
from qfl.validator.validator import Validator

log = logging.getLogger(__name__)

HOSTED_AT_ONCE = 32  # clients of a host that act at the same time, a thread each
ONE_ROLE_FAILED = (ContractReverted, NotFinite, ProofFailed, ProtocolError, StorageError, TransactionFailed)
"""Faults of one role that do not stop the others."""


_Member = TypeVar("_Member", Client, Validator)
_T = TypeVar("_T")


class Scheduler:
    """Lets `at_once` roles act at the same time: what they ask of the chain then travels together.

    `meter` is told how long they took; stages are names for it.
    """

    def __init__(self, ledger: Ledger, meter: Meter | None = None, *, at_once: int = 1) -> None:
        self.ledger, self.meter, self.at_once = ledger, meter or Meter(), at_once

    def step_clients(self, clients: Sequence[Client], trainer: Trainer, *, stage: str = "") -> list[Step]:
        """A step of each client, after one look at the chain for all; who asks for training is trained in one batch.

        Who diverges or cannot prepare its update has not acted.
        """
        numbers = [client.participant for client in clients]
        with self.meter.measuring("client", numbers, stage):
            duties = dict(zip(clients, self.ledger.client_duties(numbers) if numbers else [], strict=True))
        steps = self.let_each("client", clients, lambda client: client.step(duties[client]), QUIET, stage=stage)
        done = dict(zip(clients, steps, strict=True))
        waiting = [(client, step.task) for client, step in done.items() if step.task is not None]
        with self.meter.measuring("client", [client.participant for client, _ in waiting], stage):
            trained = train_together(trainer, waiting)

        def prepare(client: Client) -> Step:
            client.prepare(trained[client])
            return done[client]

        ready = [client for client, _ in waiting if client in trained]
        prepared = dict(zip(ready, self.let_each("client", ready, prepare, QUIET, stage=stage), strict=True))
        done |= {client: prepared.get(client, QUIET) for client, _ in waiting}
        return list(done.values())

    def step_validators(
        self,
        validators: Sequence[Validator],
        phase: Phase,
        *,
        stage: str,
        queue_of: Callable[[Validator], int] = lambda validator: validator.participant,
    ) -> list[Step]:
        """A step of each validator in one phase of the beacon; those of one queue act one after the other."""
        return self.let_each(
            "validator", validators, lambda seat: seat.step([phase]), QUIET, stage=stage, queue_of=queue_of
        )

    def step_challenger(self, challenger: Challenger | None, *, stage: str) -> bool:
        """A step of the challenger, where there is one; whether it proved something."""
        if challenger is None:
            return False
        try:
            with self.meter.measuring("challenger", None, stage):
                return bool(challenger.step())
        except ONE_ROLE_FAILED as fault:
            log.warning("the challenger goes on without this step: %s", fault)
            return False

    def release(
        self, clients: Sequence[Client], validators: Sequence[Validator] = (), *, retention: Retention, stage: str = ""
    ) -> None:
        """Let everybody let go of what nobody needs any more, and have the store delete it."""
        released = self.let_each("client", clients, lambda client: client.release(retention), False, stage=stage)
        released += self.let_each("validator", validators, lambda seat: seat.release(retention), False, stage=stage)
        if any(released):
            retention.store.collect_garbage()

    def let_each(
        self,
        role: str,
        members: Sequence[_Member],
        act: Callable[[_Member], _T],
        failed: _T,
        *,
        stage: str = "",
        queue_of: Callable[[_Member], int] = lambda member: member.participant,
    ) -> list[_T]:
        """What `act` came to for each member; `failed` for one that did.

        Members of one queue act one after the other, in their order here. With several at once, the work is measured
        together, and each is charged an equal share.
        """

        def let(member: _Member) -> _T:
            try:
                return act(member)
            except QflError as fault:
                if not self.tolerates(member.participant, fault):
                    raise
                return failed

        found: dict[int, _T] = {}
        if self.at_once == 1:
            for position, member in enumerate(members):
                with self.meter.measuring(role, member.participant, stage):
                    found[position] = let(member)
            return list(found.values())

        def let_queue(positions: list[int]) -> None:
            found.update({position: let(members[position]) for position in positions})

        queues: dict[int, list[int]] = {}
        with self.meter.measuring(role, [member.participant for member in members], stage):
            for position, member in enumerate(members):
                queues.setdefault(queue_of(member), []).append(position)
            list(_hands(self.at_once).map(let_queue, queues.values()))
        return [found[position] for position in range(len(members))]

    def tolerates(self, participant: ParticipantId, fault: QflError) -> bool:
        """Log what stops one role only, or everybody whose shard's chain is away; False for what stops all."""
        is_borne = isinstance(fault, (*ONE_ROLE_FAILED, ShardUnreachable))
        if is_borne:
            level = logging.DEBUG if isinstance(fault, ShardUnreachable) else logging.WARNING
            log.log(level, "participant %d goes on without this step: %s", participant, fault)
        return is_borne


class ClientHost(Scheduler):
    """Many clients of one process, each with its own key, folder and journal, as in a process of its own.

    One that fails for good is given up; the others go on.
    """

    def __init__(
        self, ledger: Ledger, clients: Sequence[Client], *, trainer: Trainer, retention: Retention | None = None
    ) -> None:
        super().__init__(ledger, at_once=HOSTED_AT_ONCE)
        self._clients, self._trainer, self._retention = list(clients), trainer, retention
        self._given_up: dict[ParticipantId, QflError] = {}

    def step(self) -> Step:
        """Do for each client what can be done now.

        Raises QflError: of the last client that was given up; ChainUnreachable.
        """
        steps = self.step_clients(self._clients, self._trainer)
        self._clients = [client for client in self._clients if client.participant not in self._given_up]
        if not self._clients:
            raise list(self._given_up.values())[-1]
        sent = sum(step.has_acted and step.task is None for step in steps)
        note = f"committed, revealed or admitted: {sent} of {len(self._clients)} clients" if sent else ""
        return Step(any(steps), note)

    def rest(self) -> None:
        """Use the time in which there is nothing to do."""
        self._trainer.warm_up()
        if self._retention is not None:
            self.release(self._clients, retention=self._retention)

    def tolerates(self, participant: ParticipantId, fault: QflError) -> bool:
        """Everything: the next step tries again, or does without this client."""
        if isinstance(fault, PASSING):
            log.warning("client %d: %s; trying again", participant, fault)
        else:
            log.error("client %d is given up: %s", participant, fault)
            self._given_up[participant] = fault
        return True


def train_together(trainer: Trainer, waiting: Sequence[tuple[Client, TrainingTask]]) -> dict[Client, TrainingResult]:
    """Train clients in one batch; who diverges is left out, and the others begin again."""
    while waiting:
        try:
            trained = trainer.train([task for _, task in waiting], [client.index for client, _ in waiting])
            return {client: result for (client, _), result in zip(waiting, trained, strict=True)}
        except NotFinite as fault:
            diverged = waiting[fault.index][0].participant
            log.warning("participant %d goes on without this step: %s", diverged, fault)
            waiting = [entry for position, entry in enumerate(waiting) if position != fault.index]
    return {}


@cache
def _hands(count: int) -> ThreadPoolExecutor:
    """Threads that stay: each keeps its connection to the store."""
    return ThreadPoolExecutor(count, thread_name_prefix="role")
