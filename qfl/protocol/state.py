"""A model's parameters as the int32 vector that everybody agrees on to the bit.

Angles are in units of 4*pi / 2^32 and wrap: a controlled rotation has the period 4*pi. Weights are in units
of 2^-24 and saturate at about +-128. Differences are in the same units, of angles the short way round.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qfl.errors import InvalidInput, NotFinite
from qfl.protocol.types import ModelShape

if TYPE_CHECKING:
    from qfl.protocol.content import Content

ANGLE_PERIOD = 4 * np.pi
ANGLE_UNIT = ANGLE_PERIOD / 2**32
"""Radians per unit of an angle coordinate."""
WEIGHT_UNIT = 2.0**-24
"""Value of a weight coordinate's last bit."""
TURN = 2.0**32
"""Units of a whole turn of an angle, 4*pi."""

_INT32 = np.iinfo(np.int32)


def to_state(angles: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """The state, int32 `[q + c]`, nearest to `angles` (radians, `[q]`) and `weights` (`[c]`). Raises `NotFinite`."""
    angles, weights = require_finite("angles", angles), require_finite("weights", weights)
    # Taking the remainder first keeps huge angles exact; the rounding may still carry into the next turn.
    turns = np.rint(np.fmod(angles, ANGLE_PERIOD) / ANGLE_UNIT).astype(np.int64)
    fixed = np.clip(np.rint(np.clip(weights, -256.0, 256.0) / WEIGHT_UNIT), _INT32.min, _INT32.max)
    return np.concatenate([wrap_int32(turns), fixed.astype(np.int32)])


def from_state(
    state: npt.NDArray[np.int32], shape: ModelShape
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Angles (radians in [-2*pi, 2*pi), `[q]`) and weights (`[c]`) of a `state` of this `shape`."""
    if state.shape != (shape.total,) or state.dtype != np.int32:
        raise InvalidInput("state", (state.dtype, state.shape), f"{shape.total} int32 coordinates")
    values = state.astype(np.float64)
    return values[: shape.quantum] * ANGLE_UNIT, values[shape.quantum :] * WEIGHT_UNIT


def compute_delta(
    angles: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], base: npt.NDArray[np.int32], shape: ModelShape
) -> npt.NDArray[np.float64]:
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


def step_between(previous: Content, base: Content) -> npt.NDArray[np.float64]:
    """What changed from one model to another, float64 `[d]`: angles in radians, the short way round, then weights."""
    units = np.repeat([ANGLE_UNIT, WEIGHT_UNIT], [base.shape.quantum, base.shape.classical])
    changed: npt.NDArray[np.float64] = (
        compute_delta(*from_state(base.lanes, base.shape), previous.lanes, base.shape) * units
    )
    return changed


def count_saturated(state: npt.NDArray[np.int32], shape: ModelShape) -> int:
    """How many weights of a `state` of this `shape` are at a limit: aggregation would have moved them further."""
    weights = state[shape.quantum :]
    return int(np.count_nonzero((weights == _INT32.min) | (weights == _INT32.max)))


def wrap_int32(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """`values` modulo 2^32, as int32."""
    return (values & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


def require_finite(what: str, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """`values` as float64; raises `NotFinite` naming the first that is not a number."""
    array = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(array)
    if not finite.all():
        raise NotFinite(what, int(np.argmin(finite)))
    return array
