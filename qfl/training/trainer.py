"""Where clients are trained: the trainer that roles call, and the batches that every trainer cuts its clients into.

Floating-point sums depend on what is computed side by side. So an executor never chooses its batches by the processors
it finds: each cuts the same clients at the same places, and trains each batch in one thread. Then the model is a
function of the seeds, wherever it was trained. A lone client is a batch of one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from qfl.doors import Door
from qfl.errors import NotFinite
from qfl.protocol.types import RoundNumber, TrainingResult, TrainingTask
from qfl.training.controls import Controls
from qfl.training.differential_privacy import privatise

if TYPE_CHECKING:
    from qfl.quantum.config import DeviceConfig
    from qfl.training.data.datasets import LabelledData
    from qfl.training.job import JobDocument

BATCH_CLIENTS = 16
"""Measured on 6 qubits, 16 layers: 190 ms for a lone client, 37 ms each for 16 together, 31 for 32."""


class Trainer(ABC):
    """Trains clients from their tasks; a context manager: what it needs is open until the end."""

    def __init__(
        self,
        job: JobDocument,
        data: Sequence[LabelledData] | dict[int, LabelledData],
        device: DeviceConfig | None = None,
    ) -> None:
        """For the clients of a job, on the `data` that each owns, by its index; as on a `device` if there is one."""
        self._job, self._device = job, device
        self._data = data if isinstance(data, dict) else dict(enumerate(data))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:  # noqa: B027  (a trainer may have nothing open)
        """Close what was opened."""

    def warm_up(self) -> None:  # noqa: B027  (a trainer may need nothing)
        """Load what training needs, while there is time."""

    @abstractmethod
    def train(self, tasks: Sequence[TrainingTask], clients: Sequence[int]) -> list[TrainingResult]:
        """Train the clients with these indexes, in this order. Raises NotFinite: training diverged, in that task."""


EXECUTORS: Door[type[Trainer]] = Door("executor", "qfl.training.trainer", "qfl.training.ray_trainer", base=Trainer)


@EXECUTORS.register("local")
class LocalTrainer(Trainer):
    """Trains in this process, a batch after the other."""

    def warm_up(self) -> None:
        """Import torch and its kin: seconds that the first round's commit phase need not spend."""
        import qfl.training.training  # noqa: F401 - imported for the time it takes

    def train(self, tasks: Sequence[TrainingTask], clients: Sequence[int]) -> list[TrainingResult]:
        trained: list[TrainingResult] = []
        for batch in cut(len(tasks)):
            try:
                own = [self._data[index] for index in clients[batch]]
                trained += train_batch(self._job, tasks[batch], own, self._device)
            except NotFinite as fault:
                raise NotFinite(fault.what, batch.start + fault.index) from fault
        return trained


def cut(clients: int) -> list[slice]:
    """Where a round's clients, in their order, are cut."""
    return [slice(start, min(start + BATCH_CLIENTS, clients)) for start in range(0, clients, BATCH_CLIENTS)]


def train_batch(
    job: JobDocument, tasks: Sequence[TrainingTask], data: Sequence[LabelledData], device: DeviceConfig | None = None
) -> list[TrainingResult]:
    """Train one batch, on `device` if there is one. All tasks start from the same model: they are of one round.

    Raises:
        InvalidInput: data or device do not fit the model.
        NotFinite: training diverged; the index is the client's in this batch.
    """
    from qfl.training.training import train_clients

    recipe = job.training_in(tasks[0].round)
    base = tasks[0].angles, tasks[0].weights
    controls = [controls_of(job, task) for task in tasks] if recipe.control_variates else None
    results = train_clients(job.architecture, *base, data, recipe, [task.seed for task in tasks], controls, device)
    steps = [np.concatenate([result.angles - base[0], result.weights - base[1]]) for result in results]
    kept = [None if controls is None else controls[i].advanced(step, recipe.reach) for i, step in enumerate(steps)]
    if recipe.privacy_noise:
        # From the operating system: who could repeat the noise could take it off again.
        rng = np.random.default_rng()
        steps = [privatise(step, recipe.privacy_clip, recipe.privacy_noise, rng) for step in steps]
        trained = [(base[0] + step[: len(base[0])], base[1] + step[len(base[0]) :]) for step in steps]
    else:  # the numbers themselves: base and step together would be rounded
        trained = [(result.angles, result.weights) for result in results]
    return [TrainingResult(*model, control, recipe.sent_share) for model, control in zip(trained, kept, strict=True)]


def controls_of(job: JobDocument, task: TrainingTask) -> Controls:
    """The control variates that a client trains with."""
    if task.model_delta is None:
        return Controls.none(len(task.angles) + len(task.weights))
    return Controls.after(task.model_delta.step, job.training_in(task.model_delta.round).reach, task.model_delta.own)


def round_seed(seed: int, index: int, round_number: RoundNumber) -> int:
    """Decides which samples a client's steps see in a round."""
    return int(np.random.SeedSequence([seed, index, round_number]).generate_state(1)[0])


def rounding_rng(seed: int, index: int, round_number: RoundNumber) -> np.random.Generator:
    """Decides how a client's update is rounded in a round."""
    return np.random.default_rng([seed, index, round_number, 1])
