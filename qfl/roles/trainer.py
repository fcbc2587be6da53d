"""The trainer that roles call: many clients of one process train in one batch, a lone client is a batch of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from qfl.roles.client import Trained, TrainingTask

if TYPE_CHECKING:
    from qfl.data.datasets import LabelledData
    from qfl.job import JobDocument


class Trainer(Protocol):
    """Trains clients from their tasks."""

    def warm_up(self) -> None:
        """Load what training needs, while there is time."""

    def train(self, tasks: Sequence[TrainingTask], clients: Sequence[int]) -> list[Trained]:
        """Train the clients with these indexes; results in the same order."""


class LocalTrainer:
    """Trains on this machine, on the data that each client index owns."""

    def __init__(self, job: JobDocument, data: Sequence[LabelledData] | dict[int, LabelledData]) -> None:
        self._job, self._data = job, data

    def warm_up(self) -> None:
        """Import torch and its kin: seconds that the first round's commit phase need not spend."""
        import qfl.quantum.training  # noqa: F401 - imported for the time it takes

    def train(self, tasks: Sequence[TrainingTask], clients: Sequence[int]) -> list[Trained]:
        """All tasks start from the same model: they are of one round."""
        from qfl.quantum.training import train_clients

        results = train_clients(
            self._job.architecture,
            tasks[0].angles,
            tasks[0].weights,
            [self._data[index] for index in clients],
            self._job.training_in(tasks[0].round),
            [task.seed for task in tasks],
        )
        return [Trained(result.angles, result.weights) for result in results]
