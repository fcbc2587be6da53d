"""Roles as long-running processes: ask the chain what to do, do it, wait; wait out faults of chain and storage."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from qfl.chain.contracts.beacon import Phase, ValidatorDuty
from qfl.chain.contracts.shard import ClientDuty
from qfl.chain.ledger import Ledger
from qfl.challenger.challenger import Challenger
from qfl.client.client import Client
from qfl.client.host import ClientHost
from qfl.errors import ChainUnreachable, ContractReverted, RoundNotCompleted
from qfl.node.deadline_keeper import DeadlineKeeper
from qfl.node.retry import PASSING
from qfl.node.standing import published_rounds
from qfl.protocol.types import RoundNumber
from qfl.storage.retention import Retention
from qfl.training.trainer import Trainer
from qfl.validator.validator import Validator

log = logging.getLogger(__name__)

CANNOT_OPEN_YET = ("TooFewValidators", "TooManyUnsettled")
"""Refusals to open a round that time will heal."""
LONGEST_WAIT_SECONDS = 15.0
ROUNDS_FOR_A_MODEL = 10
"""Rounds that a role waits for each of its models: with too few others, a round ends without one."""
INACTIVE = "participant %d is not active: it has asked to leave, or its stake is below the minimum"

NOT_MIRRORED = "participant %d is not active in its shard: its mirror shows no round with it, or it has asked to leave"


class Goal:
    """`models` published from now on, that of a round under way included; None for a role that just runs on."""

    def __init__(self, ledger: Ledger, models: int | None) -> None:
        self._ledger, self._models, self._before = ledger, models, RoundNumber(0)
        if models is not None:
            context = ledger.beacon.context()
            self._before = RoundNumber(context.round - (context.phase is not Phase.IDLE))

    def is_reached(self) -> bool:
        """Whether the role may end.

        Raises:
            RoundNotCompleted: it had many more rounds than it needs; the others may have ended.
        """
        if self._models is None:
            return False
        published = len(published_rounds(self._ledger, self._before))
        if published >= self._models:
            return True
        context = self._ledger.beacon.context()
        passed = context.round - self._before
        if context.phase is Phase.IDLE and passed >= ROUNDS_FOR_A_MODEL * self._models:
            reason = f"{published} of {self._models} came of the last {passed} rounds; the others may have ended"
            raise RoundNotCompleted(context.round, reason)
        return False


class ProgressLog:
    """Logs what a role waits for, once for each time it begins to wait."""

    def __init__(self) -> None:
        self._last: tuple[object, ...] = ()

    def say(self, text: str, *values: object) -> None:
        """Log it at level INFO unless it was the last thing said."""
        if (text, *values) != self._last:
            self._last = text, *values
            log.info(text, *values)


def run_client(
    client: Client,
    trainer: Trainer,
    ledger: Ledger,
    rounds: int | None,
    poll: float,
    stop: threading.Event,
    retention: Retention | None = None,
) -> None:
    """Act for a client until `stop` is set or `rounds` models have been published since. Raises as `Goal`."""
    progress, goal = ProgressLog(), Goal(ledger, rounds)

    def step() -> bool:
        duty, number, shard = client.duty()
        if duty is ClientDuty.COMMIT:
            task = client.training_task(number, shard)
            if task is not None:
                progress.say("round %d: training", number)
                client.prepare(trainer.train([task], [client.index])[0])
            if client.commit(number):
                progress.say("round %d: committed", number)
        elif duty is ClientDuty.REVEAL:
            if client.reveal(number):
                progress.say("round %d: revealed", number)
        else:
            if duty is ClientDuty.NOT_ACTIVE and client.seek_admission():
                progress.say("admitted to shard %d", shard)
                return True
            if duty is ClientDuty.NOT_ACTIVE:
                progress.say(NOT_MIRRORED if ledger.mirrors else INACTIVE, client.participant)
            elif duty is ClientDuty.MISSED:
                progress.say("round %d: too late to take part, waiting for the next", number)
            trainer.warm_up()
            _release(client, retention)
            return False
        return True

    _repeat(step, goal.is_reached, poll, stop)


def run_validator(
    validator: Validator,
    ledger: Ledger,
    rounds: int | None,
    poll: float,
    stop: threading.Event,
    retention: Retention | None = None,
) -> None:
    """Act for a validator until `stop` is set or `rounds` models have been published since. Raises as `Goal`."""
    progress, goal = ProgressLog(), Goal(ledger, rounds)

    def step() -> bool:
        if validator.keep_mirrors():
            return True
        duty = validator.duty()
        if duty.kind is ValidatorDuty.VERIFY:
            progress.say("round %d: in seat %d of shard %d", duty.round, duty.seat, duty.shard)
            return validator.verify(duty)
        if duty.kind is ValidatorDuty.PUBLISH:
            published = validator.publish(duty.round)
            if published:
                progress.say("round %d: published", duty.round)
            return published
        settled = validator.settle()
        if duty.kind is ValidatorDuty.OPEN_ROUND and not goal.is_reached():
            return open_round(duty.round)
        if duty.kind is ValidatorDuty.WAIT:
            look(duty.round)
        if duty.kind is ValidatorDuty.NOT_ACTIVE:
            progress.say(INACTIVE, validator.participant)
        _release(validator, retention)
        return bool(settled)

    def look(number: RoundNumber) -> None:
        try:
            validator.look(number)
        except ChainUnreachable as fault:
            if not ledger.is_of_a_shard(fault):
                raise
            log.debug("round %d: nothing to see yet: %s", number, fault)

    def open_round(last: RoundNumber) -> bool:
        try:
            opened = validator.open_round()
        except ContractReverted as refusal:
            if refusal.name not in CANNOT_OPEN_YET:
                raise
            progress.say("round %d cannot be opened yet: %s", last + 1, str(refusal))
            return False
        if opened:
            progress.say("round %d: opened", last + 1)
        return opened

    _repeat(step, goal.is_reached, poll, stop)


def run_host(host: ClientHost, ledger: Ledger, rounds: int | None, poll: float, stop: threading.Event) -> None:
    """Act for many clients until `stop` is set or `rounds` models have been published since. Raises as `Goal`."""
    _repeat(host.step, Goal(ledger, rounds).is_reached, poll, stop)


def run_challenger(challenger: Challenger, poll: float, stop: threading.Event) -> None:
    """Look for faults and prove them until `stop` is set."""
    _repeat(lambda: bool(challenger.step()), lambda: False, poll, stop)


def run_deadlines(keeper: DeadlineKeeper, poll: float, stop: threading.Event) -> None:
    """Set deadlines after each round until `stop` is set."""

    def step() -> bool:
        if (done := keeper.step()) is None:
            return False
        number, deadlines = done
        log.info("after round %d: %d s to commit, %d s to reveal", number, deadlines.commit, deadlines.reveal)
        return True

    _repeat(step, lambda: False, poll, stop)


def _release(role: Client | Validator, retention: Retention | None) -> None:
    """Let go of what nobody needs any more; the rest of the store is not this role's business."""
    if retention is not None and role.release(retention):
        retention.store.collect_garbage()


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
