"""Many clients in one process: one look at the chain for all, one training batch, and messages that travel together.

Each is the same `Client` as in a process of its own, with its own key, folder and journal.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from qfl.chain.contracts.shard import ClientDuty
from qfl.chain.ledger import Ledger
from qfl.client.batch import train_together
from qfl.client.client import Client
from qfl.errors import QflError
from qfl.node.retry import PASSING
from qfl.protocol.types import RoundNumber, ShardIndex
from qfl.storage.retention import Retention
from qfl.training.trainer import Trainer

log = logging.getLogger(__name__)

AT_ONCE = 32
"""Clients that act at the same time, a thread each."""

_T = TypeVar("_T")
Due = tuple[Client, RoundNumber, ShardIndex]


class ClientHost:
    """Acts for all its clients. One that fails for good is given up; the others go on."""

    def __init__(
        self, clients: Sequence[Client], trainer: Trainer, ledger: Ledger, retention: Retention | None = None
    ) -> None:
        self._clients = list(clients)
        self._trainer, self._ledger, self._retention = trainer, ledger, retention
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="client")

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def step(self) -> bool:
        """Do for each client what can be done now; True when something was sent.

        Raises:
            QflError: of the last client that was given up.
            ChainUnreachable.
        """
        duties = self._ledger.client_duties([client.participant for client in self._clients])
        due: dict[ClientDuty, list[Due]] = {duty: [] for duty in ClientDuty}
        for client, (duty, number, shard) in zip(self._clients, duties, strict=True):
            due[client.remembered(duty, number)].append((client, number, shard))
        self._train(due[ClientDuty.COMMIT])
        prepared = [entry for entry in due[ClientDuty.COMMIT] if entry[0].has_prepared(entry[1])]
        sent = [
            *self._let_each(prepared, lambda client, number, _: client.commit(number)),
            *self._let_each(due[ClientDuty.REVEAL], lambda client, number, _: client.reveal(number)),
            *self._let_each(due[ClientDuty.NOT_ACTIVE], lambda client, *_: client.seek_admission()),
        ]
        if any(sent):
            log.info("committed, revealed or admitted: %d of %d clients", sum(map(bool, sent)), len(self._clients))
            return True
        self._trainer.warm_up()
        self._release()
        return False

    def _train(self, due: Sequence[Due]) -> None:
        """Train who has not prepared its update, in one batch; who diverges is left out."""
        tasks = self._let_each(due, lambda client, number, shard: client.training_task(number, shard))
        waiting = [(client, task) for (client, _, _), task in zip(due, tasks, strict=True) if task is not None]
        results = train_together(self._trainer, waiting)
        ready = [entry for entry in due if entry[0].participant in results]
        self._let_each(ready, lambda client, *_: client.prepare(results[client.participant]))

    def _release(self) -> None:
        retention = self._retention
        if retention is None:
            return
        everybody = [(client, RoundNumber(0), ShardIndex(0)) for client in self._clients]
        if any(self._let_each(everybody, lambda client, *_: client.release(retention))):
            retention.store.collect_garbage()

    def _let_each(self, due: Sequence[Due], act: Callable[[Client, RoundNumber, ShardIndex], _T]) -> list[_T | None]:
        """What `act` came to for each; None where it failed. Who fails for good is given up."""

        def let(entry: Due) -> tuple[_T | None, QflError | None]:
            client = entry[0]
            try:
                return act(*entry), None
            except PASSING as fault:
                log.warning("client %d: %s; trying again", client.participant, fault)
                return None, None
            except QflError as fault:
                return None, fault

        results = list(self._threads.map(let, due))
        for (client, _, _), (_, fault) in zip(due, results, strict=True):
            if fault is not None:
                log.error("client %d is given up: %s", client.participant, fault)
                self._clients.remove(client)
                if not self._clients:
                    raise fault
        return [result for result, _ in results]
