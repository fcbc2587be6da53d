"""Control variates: what keeps clients with different data from pulling apart between two synchronisations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Controls:
    """Mean gradients over the last round, everybody's and one client's own; float64 `[d]` each, per radian or weight.

    A step goes along its gradient plus `common - own`, so that what this client's data alone would have is taken
    off, and what the others' data would have is put on (SCAFFOLD, Karimireddy et al. 2020, arXiv:1910.06378,
    section 4). Both follow from steps that are known anyway, so nothing is sent for them: `common` from two published
    models, `own` from the client's last training.
    """

    common: NDArray[np.float64]
    own: NDArray[np.float64]

    @classmethod
    def none(cls, coordinates: int) -> Controls:
        """Of a federation's first round: nothing is known yet."""
        return cls(np.zeros(coordinates), np.zeros(coordinates))

    @classmethod
    def after(cls, step: NDArray[np.float64], reach: float, own: NDArray[np.float64] | None) -> Controls:
        """What a round that changed the model by `step` (`[d]`, radians and weights) tells.

        `reach` is that round's `TrainingConfig.reach`, `own` the client's variate after its last training. A newcomer,
        who has none, takes the common one, which leaves its gradients as they are.
        """
        common = -step / reach
        return cls(common, common if own is None else own)

    def advanced(self, step: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
        """The client's own variate after training that changed its model by `step`.

        SCAFFOLD's option II, equation 4. Its `steps * learning_rate` is `reach` here, so that it holds with momentum.
        """
        return self.own - self.common - step / reach
