"""From a round's updates to a seat's opinion of them, by data that its validator holds."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from qfl.protocol.content import Content
from qfl.protocol.history import Histories
from qfl.protocol.state import ANGLE_UNIT, WEIGHT_UNIT, from_state
from qfl.protocol.types import RoundSpec, VerifiedUpdate
from qfl.training.data.datasets import LabelledData
from qfl.training.job import JobDocument
from qfl.validator.selection import Scored, score_updates


class Scorer:
    """Forms `Scored` judgements by `data`; `seed` decides in which order its own training sees the samples."""

    def __init__(self, job: JobDocument, data: LabelledData, seed: int) -> None:
        self._job, self._data, self._seed = job, data, seed
        self._own: tuple[RoundSpec, NDArray[np.float64]] | None = None

    def prepare(self, base: Content, spec: RoundSpec) -> NDArray[np.float64]:
        """Train on the own data while there is no update to judge yet; `of` asks for the same (`[d]`).

        Raises:
            InvalidInput: the data does not fit the job's model.
            NotFinite: training on it diverged.
        """
        from qfl.training.training import train_clients

        if self._own is None or self._own[0] != spec:
            seed = int(np.random.SeedSequence([self._seed, spec.round]).generate_state(1)[0])
            start, config = from_state(base.lanes, base.shape), self._job.training_in(spec.round)
            (trained,) = train_clients(self._job.architecture, *start, [self._data], config, [seed])
            self._own = spec, np.concatenate([trained.angles - start[0], trained.weights - start[1]])
        return self._own[1]

    def of(self, updates: Sequence[VerifiedUpdate], base: Content, spec: RoundSpec, histories: Histories) -> Scored:
        """What it thinks of verified updates of one round, whose base model is `base`.

        Raises:
            InvalidInput, NotFinite: as `prepare`.
        """
        from qfl.training.quality import assess_updates

        start, deltas = from_state(base.lanes, base.shape), [decode_delta(update.lanes, spec) for update in updates]
        own = self.prepare(base, spec)
        quality = assess_updates(self._job.architecture, *start, deltas, self._data, own)
        # What honest updates cost falls with their steps: by a tenth of the rate, to about a third.
        pace = sqrt(self._job.training_in(spec.round).learning_rate / self._job.training.learning_rate)
        return score_updates(updates, quality.gains, quality.agreements, histories, pace)


def decode_delta(lanes: NDArray[np.signedinteger], spec: RoundSpec) -> NDArray[np.float64]:
    """What an update's lanes (`[d]`) change: radians, then weights."""
    fmt, shape = spec.format, spec.shape
    steps = ANGLE_UNIT * 2.0**fmt.quantum_exponent, WEIGHT_UNIT * 2.0**fmt.classical_exponent
    delta: NDArray[np.float64] = lanes * np.repeat(steps, [shape.quantum, shape.classical])
    return delta
