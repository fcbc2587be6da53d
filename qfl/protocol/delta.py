"""What training changed, and what a round did."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qfl.protocol.content import Content
from qfl.protocol.state import ANGLE_UNIT, WEIGHT_UNIT, from_state, require_finite
from qfl.protocol.types import ModelShape

TURN = 2.0**32
"""Units of a whole turn of an angle, 4*pi."""


def compute_delta(
    angles: NDArray[np.float64], weights: NDArray[np.float64], base: NDArray[np.int32], shape: ModelShape
) -> NDArray[np.float64]:
    """Difference of a trained model to the state it started from, float64 `[d]` in model units.

    Angles are compared on the torus: the difference is the short way round, in [-2**31, 2**31].

    Raises:
        NotFinite: a parameter is NaN or infinite.
    """
    base_angles, base_weights = from_state(base, shape)
    turned = (require_finite("the trained angles", angles) - base_angles) / ANGLE_UNIT
    # Off by whole turns only: a difference below half a turn stays exact to the last bit.
    short_way = turned - TURN * np.rint(turned / TURN)
    moved = (require_finite("the trained weights", weights) - base_weights) / WEIGHT_UNIT
    return np.concatenate([short_way, moved])


def step_between(previous: Content, base: Content) -> NDArray[np.float64]:
    """What changed from one model to another, float64 `[d]`: angles in radians, the short way round, then weights."""
    units = np.repeat([ANGLE_UNIT, WEIGHT_UNIT], [base.shape.quantum, base.shape.classical])
    changed: NDArray[np.float64] = (
        compute_delta(*from_state(base.lanes, base.shape), previous.lanes, base.shape) * units
    )
    return changed
