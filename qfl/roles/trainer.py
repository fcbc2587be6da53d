"""The trainer that roles call: many clients of one process train in batches, a lone client is a batch of one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from qfl.errors import NotFinite
from qfl.roles.batches import cut, train_batch
from qfl.roles.client import Client, Trained, TrainingTask
from qfl.types import ParticipantId

if TYPE_CHECKING:
    from qfl.data.datasets import LabelledData
    from qfl.job import JobDocument
    from qfl.quantum.config import DeviceConfig

log = logging.getLogger(__name__)


class Trainer(Protocol):
    """Trains clients from their tasks."""

    def warm_up(self) -> None:
        """Load what training needs, while there is time."""

    def train(self, tasks: Sequence[TrainingTask], clients: Sequence[int]) -> list[Trained]:
        """Train the clients with these indexes; results in the same order."""


class LocalTrainer:
    """Trains on this machine, on the data that each client index owns; with a `device`, as on that one."""

    def __init__(
        self,
        job: JobDocument,
        data: Sequence[LabelledData] | dict[int, LabelledData],
        device: DeviceConfig | None = None,
    ) -> None:
        self._job, self._data, self._device = job, data, device

    def warm_up(self) -> None:
        """Import torch and its kin: seconds that the first round's commit phase need not spend."""
        import qfl.quantum.training  # noqa: F401 - imported for the time it takes

    def train(self, tasks: Sequence[TrainingTask], clients: Sequence[int]) -> list[Trained]:
        """Train the clients with these indexes, a batch after the other.

        Raises:
            NotFinite: training diverged; the index is the task's.
        """
        trained: list[Trained] = []
        for batch in cut(len(tasks)):
            try:
                own = [self._data[index] for index in clients[batch]]
                trained += train_batch(self._job, tasks[batch], own, self._device)
            except NotFinite as fault:
                raise NotFinite(fault.what, batch.start + fault.index) from fault
        return trained


def train_together(trainer: Trainer, waiting: Sequence[tuple[Client, TrainingTask]]) -> dict[ParticipantId, Trained]:
    """Train clients in one batch; who diverges is left out, and the others begin again."""
    while waiting:
        try:
            trained = trainer.train([task for _, task in waiting], [client.index for client, _ in waiting])
            return {client.participant: result for (client, _), result in zip(waiting, trained, strict=True)}
        except NotFinite as fault:
            diverged = waiting[fault.index][0].participant
            log.warning("participant %d goes on without this step: %s", diverged, fault)
            waiting = [entry for position, entry in enumerate(waiting) if position != fault.index]
    return {}
