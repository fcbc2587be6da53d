"""Roles as long-running processes: step, log what came of it, wait; wait out faults of chain and storage."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from qfl.chain.contracts.beacon import Phase
from qfl.chain.ledger import Ledger
from qfl.challenger.challenger import Challenger
from qfl.client.client import Client
from qfl.errors import PASSING, RoundNotCompleted
from qfl.node.context import QUIET, Step
from qfl.node.pruner import Retention
from qfl.node.standing import published_rounds
from qfl.protocol.types import RoundNumber
from qfl.training.trainer import Trainer
from qfl.validator.validator import Validator

log = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS = 15.0
ROUNDS_FOR_A_MODEL = 10
"""Rounds that a role waits for each of its models: with too few others, a round ends without one."""


class Daemon:
    """Steps a role until `stop` is set, or its goal is reached; with nothing to do, it looks every `poll` seconds.

    Each way to run raises as `Goal`, and whatever no time will heal.
    """

    def __init__(self, poll: float, stop: threading.Event, *, goal: Goal | None = None) -> None:
        self._poll, self._stop, self._goal, self._said = poll, stop, goal, ""

    def run_client(self, client: Client, trainer: Trainer, *, retention: Retention | None = None) -> None:
        """Act for a client, which trains alone."""

        def step() -> Step:
            done = client.step()
            if done.task is not None:
                self._say(done.note)
                client.prepare(trainer.train([done.task], [client.index])[0])
            return done

        def rest() -> None:
            trainer.warm_up()
            _release(client, retention)

        self.run(step, rest)

    def run_validator(self, validator: Validator, *, retention: Retention | None = None) -> None:
        """Act for a validator; when the goal is reached, it opens no round any more."""

        def step() -> Step:
            return validator.step([phase for phase in Phase if phase is not Phase.IDLE or not self._is_over()])

        def rest() -> None:
            validator.settle()
            _release(validator, retention)

        self.run(step, rest)

    def run_challenger(self, challenger: Challenger) -> None:
        """Look for faults and prove them."""
        self.run(lambda: Step(bool(challenger.step())))

    def run(self, step: Callable[[], Step], rest: Callable[[], None] = lambda: None) -> None:
        """Step for anybody; `rest` is called when there was nothing to do."""
        wait = self._poll
        while not self._stop.is_set():
            try:
                done = step()
                self._say(done.note)
                if not done:
                    rest()
                    if self._is_over():
                        return
                wait = self._poll
            except PASSING as fault:
                log.warning("%s; trying again", fault)
                done, wait = QUIET, min(2 * wait, LONGEST_WAIT_SECONDS)
            if not done:
                self._stop.wait(wait)

    def _is_over(self) -> bool:
        return self._goal is not None and self._goal.is_reached()

    def _say(self, note: str) -> None:
        """Log it unless it was the last thing said: a role says once what it waits for."""
        if note and note != self._said:
            self._said = note
            log.info("%s", note)


def _release(role: Client | Validator, retention: Retention | None) -> None:
    """Let go of what nobody needs any more; the rest of the store is not this role's business."""
    if retention is not None and role.release(retention):
        retention.store.collect_garbage()


class Goal:
    """`models` published from now on, that of a round under way included; None for a role that just runs on."""

    def __init__(self, ledger: Ledger, models: int | None) -> None:
        self._ledger, self._models, self._before = ledger, models, RoundNumber(0)
        if models is not None:
            context = ledger.beacon.context()
            self._before = RoundNumber(context.round - (context.phase is not Phase.IDLE))

    def is_reached(self) -> bool:
        """Whether the role may end.

        Raises RoundNotCompleted: it had many more rounds than it needs; the others may have ended.
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
