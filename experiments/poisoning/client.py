"""A real client that poisons: all it sends is committed, signed and revealed as the protocol wants it."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from experiments.poisoning.poison import Poison, Sight, Vector
from experiments.poisoning.poisons import POISONS
from qfl.client.client import Client
from qfl.protocol.state import from_state
from qfl.protocol.types import RoundNumber, ShardIndex, TrainingResult, TrainingTask
from qfl.quantum.architecture import Architecture
from qfl.training.data.datasets import LabelledData
from qfl.training.job import JobDocument, fetch_job


class Poisoner(Client):
    """Follows `poison` by itself: it knows what it trained and what rounds did to the model, nobody else's update.

    It has to train in a batch of its own where its circuit begins at other angles than the base.
    """

    poison: ClassVar[Poison] = Poison()

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._job: JobDocument | None = None
        self._known: Vector | None = None

    @classmethod
    def taint(cls, data: LabelledData, job: JobDocument) -> LabelledData:
        """What it trains on in place of its own data."""
        return cls.poison.taint(data, job.architecture.classes)

    def training_task(self, round_number: RoundNumber, shard: ShardIndex) -> TrainingTask:
        """As an honest client's, for its own circuit."""
        task = super().training_task(round_number, shard)
        return replace(task, angles=self.poison.enter(task.angles, self._architecture()))

    def prepare(self, trained: TrainingResult) -> None:
        """Send what the poison makes of it."""
        assert self._base is not None
        spec, base = self._base
        arch, quantum = self._architecture(), base.shape.quantum
        start = np.concatenate(from_state(base.lanes, base.shape))
        own = np.concatenate([self.poison.leave(trained.angles, arch), trained.weights]) - start
        sight = Sight(
            base=start,
            previous=np.zeros_like(start) if self._known is None else start - self._known,
            own=own[np.newaxis],
            honest=np.empty((0, len(start))),
            shape=base.shape,
            rng=np.random.default_rng([self._seed, self.index, spec.round, 3]),
        )
        sent = start + self.poison.send(own, sight, arch)
        self._known = start
        super().prepare(replace(trained, angles=sent[:quantum], weights=sent[quantum:]))

    def _architecture(self) -> Architecture:
        if self._job is None:
            self._job = fetch_job(self._store, self._ledger.beacon.architecture_digest())
        return self._job.architecture


def poisoner(name: str) -> type[Poisoner]:
    """The client that follows the poison called `name`, one that needs no knowledge it cannot have."""
    return type(f"{name.title().replace('-', '')}Poisoner", (Poisoner,), {"poison": POISONS[name]})


POISONERS = {name: poisoner(name) for name, poison in POISONS.items() if not poison.omniscient}
"""By name, for `qfl client run --attack`."""
