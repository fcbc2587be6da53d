"""Roles as long-running processes: ask the chain what to do, do it, wait; wait out faults of chain and storage."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from qfl.chain.contracts.beacon import RoundState, ValidatorDuty
from qfl.chain.contracts.shard import ClientDuty
from qfl.chain.ledger import Ledger
from qfl.chain.sender import Sender
from qfl.errors import (
    ChainUnreachable,
    ContractReverted,
    ModelRejected,
    StorageError,
    TransactionFailed,
    TransactionNotMined,
)
from qfl.roles.client import Client
from qfl.roles.settlement import settle_due
from qfl.roles.trainer import Trainer
from qfl.roles.validator import Validator
from qfl.types import RoundNumber

log = logging.getLogger(__name__)

PASSING = (
    ChainUnreachable,
    ContractReverted,
    ModelRejected,
    StorageError,
    TransactionFailed,
    TransactionNotMined,
)
"""Faults that the next try may not meet; everything else ends the role."""
LONGEST_WAIT_SECONDS = 15.0


def run_client(
    client: Client, trainer: Trainer, ledger: Ledger, rounds: int | None, poll: float, stop: threading.Event
) -> None:
    """Act for a client until `stop` is set or `rounds` models have been published."""

    def step() -> bool:
        duty, number, shard = client.duty()
        if duty is ClientDuty.COMMIT:
            task = client.training_task(number, shard)
            if task is not None:
                log.info("round %d: training", number)
                client.prepare(trainer.train([task], [client.index])[0])
            client.commit(number)
            log.info("round %d: committed", number)
        elif duty is ClientDuty.REVEAL:
            client.reveal(number)
            log.info("round %d: revealed", number)
        else:
            return False
        return True

    _repeat(step, lambda: _is_complete(ledger, rounds), poll, stop)


def run_validator(
    validator: Validator,
    ledger: Ledger,
    sender: Sender,
    rounds: int | None,
    poll: float,
    stop: threading.Event,
) -> None:
    """Act for a validator until `stop` is set or `rounds` models have been published."""

    def step() -> bool:
        duty = validator.duty()
        if duty.kind is ValidatorDuty.VERIFY:
            return validator.verify(duty)
        if duty.kind is ValidatorDuty.PUBLISH:
            published = validator.publish(duty.round)
            if published:
                log.info("round %d: published", duty.round)
            return published
        settled = settle_due(ledger, sender)
        if duty.kind is ValidatorDuty.OPEN_ROUND and not _is_complete(ledger, rounds):
            return validator.open_round()
        return bool(settled)

    _repeat(step, lambda: _is_complete(ledger, rounds), poll, stop)


def published_rounds(ledger: Ledger) -> list[RoundNumber]:
    """The rounds whose models stand, oldest first."""
    numbers = (RoundNumber(number) for number in range(1, ledger.beacon.current_round() + 1))
    good = (RoundState.PUBLISHED, RoundState.FINAL)
    return [number for number in numbers if ledger.beacon.round_at(number).state in good]


def _is_complete(ledger: Ledger, rounds: int | None) -> bool:
    return rounds is not None and len(published_rounds(ledger)) >= rounds


def _repeat(step: Callable[[], bool], is_complete: Callable[[], bool], poll: float, stop: threading.Event) -> None:
    wait = poll
    while not stop.is_set():
        try:
            acted = step()
            if not acted and is_complete():
                return
            wait = poll
        except PASSING as fault:
            log.warning("%s; trying again", fault)
            acted, wait = False, min(2 * wait, LONGEST_WAIT_SECONDS)
        if not acted:
            stop.wait(wait)
