"""How a client's base model came about, as far as its training goes by it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.codec.content import Content
from qfl.codec.delta import compute_delta
from qfl.codec.state import ANGLE_UNIT, WEIGHT_UNIT, from_state
from qfl.types import RoundNumber


@dataclass(frozen=True)
class Trail:
    """What is known of the way that led to a base model.

    Attributes:
        round: the one that published the base.
        step: what it changed, float64 `[d]`, in radians and weights.
        own: the client's control variate after its last training (`qfl.quantum.controls`), if it keeps one.
    """

    round: RoundNumber
    step: NDArray[np.float64]
    own: NDArray[np.float64] | None


def step_between(previous: Content, base: Content) -> NDArray[np.float64]:
    """What changed from one model to another, float64 `[d]`: angles in radians, the short way round, then weights."""
    units = np.repeat([ANGLE_UNIT, WEIGHT_UNIT], [base.shape.quantum, base.shape.classical])
    changed: NDArray[np.float64] = (
        compute_delta(*from_state(base.lanes, base.shape), previous.lanes, base.shape) * units
    )
    return changed
