"""A job's rounds as plain federated averaging has them: float32 differences and their mean. To compare with."""

from __future__ import annotations

import numpy as np

from qfl.protocol.recompute import model_content
from qfl.protocol.state import compute_delta, wrap_int32
from qfl.protocol.types import RoundNumber
from qfl.simulation.federation import Federation, Published

WEIGHT_LIMITS = np.iinfo(np.int32)


class UnquantisedFederation(Federation):
    """The same clients, training and schedule; what they learn is never rounded to lanes."""

    def step(self) -> Published:
        """Train, average and publish one round, which has no updates in lanes.

        Raises:
            NotFinite: training diverged.
        """
        self._round = RoundNumber(self._round + 1)
        base, trained = self.model, self._train_all()
        changes = [compute_delta(result.angles, result.weights, base.lanes, base.shape) for result in trained]
        mean = np.mean(np.array(changes, np.float32), axis=0, dtype=np.float64)
        moved = base.lanes.astype(np.int64) + np.rint(mean).astype(np.int64)
        moved[base.shape.quantum :] = moved[base.shape.quantum :].clip(WEIGHT_LIMITS.min, WEIGHT_LIMITS.max)
        self._publish(model_content(self._round, wrap_int32(moved), base.shape))
        return Published(self._round, self.model, [], [])
