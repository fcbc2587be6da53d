"""A job's rounds without a chain, with poisoning clients among the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from experiments.learning.federation import Chooser, Federation, Published
from experiments.poisoning.poison import Poison, Sight, Vector
from qfl.protocol.state import from_state
from qfl.protocol.types import TrainingResult, TrainingTask
from qfl.simulation.config import JobConfig
from qfl.training.data.datasets import LabelledData
from qfl.training.job import JobDocument


class PoisonedFederation(Federation):
    """A `Federation` in which the clients `attackers` (indexes) follow `poison`, and collude where it says so."""

    def __init__(
        self,
        config: JobConfig,
        job: JobDocument,
        shares: Sequence[LabelledData],
        poison: Poison,
        attackers: Sequence[int],
        panel: Chooser | None = None,
    ) -> None:
        classes = job.architecture.classes
        tainted = [
            poison.taint(share, classes) if client in attackers else share for client, share in enumerate(shares)
        ]
        super().__init__(config, job, tainted, panel)
        self._poison, self._attackers = poison, list(attackers)
        self._previous = np.zeros(job.architecture.shape.total)

    def step(self) -> Published:
        """As `Federation.step`; everybody sees what a round does to the model."""
        before = _vector(*from_state(self.model.lanes, self.model.shape))
        published = super().step()
        moved = _vector(*from_state(self.model.lanes, self.model.shape)) - before
        quantum = self.model.shape.quantum
        moved[:quantum] -= 4 * np.pi * np.rint(moved[:quantum] / (4 * np.pi))
        self._previous = moved
        return published

    def _train(self, tasks: Sequence[TrainingTask]) -> Sequence[TrainingResult]:
        """Honest clients train in one batch, attackers in another: their circuit may begin at other angles."""
        if not self._attackers:
            return super()._train(tasks)
        honest = [client for client in range(len(tasks)) if client not in self._attackers]
        arch, base = self._job.architecture, _vector(tasks[0].angles, tasks[0].weights)
        entered = [
            replace(tasks[client], angles=self._poison.enter(tasks[client].angles, arch)) for client in self._attackers
        ]
        trained = dict(zip(honest, self._trainer.train([tasks[client] for client in honest], honest), strict=True))
        hostile = self._trainer.train(entered, self._attackers)
        own = [_vector(self._poison.leave(result.angles, arch), result.weights) - base for result in hostile]
        known = [_vector(result.angles, result.weights) - base for result in trained.values()]
        sight = Sight(
            base=base,
            previous=self._previous,
            own=np.stack(own),
            honest=np.stack(known) if self._poison.omniscient else np.empty((0, len(base))),
            shape=self._job.architecture.shape,
            rng=np.random.default_rng([self._config.seed, tasks[0].round, 3]),
        )
        for client, result, delta in zip(self._attackers, hostile, own, strict=True):
            sent = base + self._poison.send(delta, sight, arch)
            angles, weights = np.split(sent, [sight.shape.quantum])
            trained[client] = replace(result, angles=angles, weights=weights)
        return [trained[client] for client in range(len(tasks))]


def _vector(angles: Vector, weights: Vector) -> Vector:
    return np.concatenate([angles, weights])
