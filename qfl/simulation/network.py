"""Everybody that acts in one process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field

from qfl.chain.clock import Clock
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.sender import TransactionSender
from qfl.challenger.challenger import Challenger
from qfl.client.client import Client
from qfl.node.meter import Meter
from qfl.protocol.types import ParticipantId
from qfl.scheduler import Scheduler
from qfl.simulation.faults.fault import Conditions
from qfl.storage.retention import Retention
from qfl.training.trainer import Trainer
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
        """How the roles here act."""
        return Scheduler(self.ledger, self.meter, at_once=self.at_once)

    @property
    def participants(self) -> list[ParticipantId]:
        """Everybody here, clients first."""
        return [client.participant for client in self.clients] + [v.participant for v in self.validators]
