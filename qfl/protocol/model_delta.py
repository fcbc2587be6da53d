"""How a client's base model came about, as far as its training goes by it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qfl.protocol.content import Content
from qfl.protocol.delta import compute_delta
from qfl.protocol.state import ANGLE_UNIT, WEIGHT_UNIT, from_state


def step_between(previous: Content, base: Content) -> NDArray[np.float64]:
    """What changed from one model to another, float64 `[d]`: angles in radians, the short way round, then weights."""
    units = np.repeat([ANGLE_UNIT, WEIGHT_UNIT], [base.shape.quantum, base.shape.classical])
    changed: NDArray[np.float64] = (
        compute_delta(*from_state(base.lanes, base.shape), previous.lanes, base.shape) * units
    )
    return changed
