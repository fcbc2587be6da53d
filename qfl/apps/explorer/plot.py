"""A row of integers as a small picture: the highest and the lowest of every few, as one SVG path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 600, 120
"""The picture's own units; a page scales it."""


@dataclass(frozen=True)
class LanePlot:
    """`path` fills what lies between the lowest and the highest lane of every column; `zero` is the height of 0.

    `border` is where the angles end and the weights begin; None when the lanes are all of one kind.
    """

    path: str
    zero: float
    border: float | None
    low: int
    high: int


def plot_lanes(lanes: npt.NDArray[np.integer], quantum: int) -> LanePlot:
    """The picture of `lanes` (`[d]`, d > 0), of which the first `quantum` are angles."""
    columns = np.array_split(lanes.astype(np.int64), min(WIDTH, lanes.size))
    highs, lows = [int(column.max()) for column in columns], [int(column.min()) for column in columns]
    high, low = max(0, *highs, 1), min(0, *lows)

    def height(value: int) -> float:
        return round(HEIGHT * (high - value) / (high - low), 1)

    step = WIDTH / len(columns)
    steps = [
        f"M{round(i * step, 1)} {height(max(top, 0))}h{round(step, 2)}V{height(min(bottom, 0))}h{round(-step, 2)}z"
        for i, (top, bottom) in enumerate(zip(highs, lows, strict=True))
    ]
    border = WIDTH * quantum / lanes.size if 0 < quantum < lanes.size else None
    return LanePlot("".join(steps), height(0), border, int(lanes.min()), int(lanes.max()))
