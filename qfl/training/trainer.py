"""The trainer that roles call, and where it computes: many clients of one process train in batches.

A lone client is a batch of one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from qfl.doors import Door
from qfl.errors import NotFinite
from qfl.protocol.types import TrainingResult, TrainingTask
from qfl.training.batches import cut, train_batch

if TYPE_CHECKING:
    from qfl.quantum.config import DeviceConfig
    from qfl.training.data.datasets import LabelledData
    from qfl.training.job import JobDocument


class Trainer(Protocol):
    """Trains clients from their tasks."""

    def warm_up(self) -> None:
        """Load what training needs, while there is time."""

    def train(self, tasks: Sequence[TrainingTask], clients: Sequence[int]) -> list[TrainingResult]:
        """Train the clients with these indexes; results in the same order."""


Executor = Callable[
    ["JobDocument", "Sequence[LabelledData] | dict[int, LabelledData]", "DeviceConfig | None"],
    AbstractContextManager[Trainer],
]
"""Opens a trainer of a job's clients on the data that each owns, by its index, as on a device if there is one."""
EXECUTORS: Door[Executor] = Door("executor", "qfl.training.trainer", "qfl.training.ray_trainer")


@EXECUTORS.register("local")
class LocalTrainer:
    """Trains in this process, on the data that each client index owns; with a `device`, as on that one."""

    def __init__(
        self,
        job: JobDocument,
        data: Sequence[LabelledData] | dict[int, LabelledData],
        device: DeviceConfig | None = None,
    ) -> None:
        self._job, self._data, self._device = job, data, device

    def __enter__(self) -> LocalTrainer:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was opened."""

    def warm_up(self) -> None:
        """Import torch and its kin: seconds that the first round's commit phase need not spend."""
        import qfl.training.training  # noqa: F401 - imported for the time it takes

    def train(self, tasks: Sequence[TrainingTask], clients: Sequence[int]) -> list[TrainingResult]:
        """Train the clients with these indexes, a batch after the other.

        Raises:
            NotFinite: training diverged; the index is the task's.
        """
        trained: list[TrainingResult] = []
        for batch in cut(len(tasks)):
            try:
                own = [self._data[index] for index in clients[batch]]
                trained += train_batch(self._job, tasks[batch], own, self._device)
            except NotFinite as fault:
                raise NotFinite(fault.what, batch.start + fault.index) from fault
        return trained
