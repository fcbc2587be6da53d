"""What training changed, in model units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qfl.codec.state import from_state
from qfl.errors import NotFinite
from qfl.types import ModelShape

ANGLE_UNITS_PER_RADIAN = 2**32 / (4 * np.pi)
WEIGHT_UNITS = 2**24


def compute_delta(
    angles: NDArray[np.float64], weights: NDArray[np.float64], base: NDArray[np.int32], shape: ModelShape
) -> NDArray[np.float64]:
    """Difference of a trained model to the state it started from, float64 `[d]` in model units.

    Angles are compared on the torus: the difference is the short way round, in [-2**31, 2**31).

    Raises:
        NotFinite: a parameter is NaN or infinite.
    """
    base_angles, base_weights = from_state(base, shape)
    turn = (angles - base_angles) * ANGLE_UNITS_PER_RADIAN
    delta = np.concatenate([np.mod(turn + 2.0**31, 2.0**32) - 2.0**31, (weights - base_weights) * WEIGHT_UNITS])
    if not np.isfinite(delta).all():
        raise NotFinite("the trained model", int(np.argmin(np.isfinite(delta))))
    return delta
