"""How clients train: settings only, so that what merely passes them on need not import torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from qfl.errors import InvalidInput

ENGINES = ("fused", "torchquantum")
DTYPES = ("float32", "float64")
MAX_RATE = 10.0
LAST_RATE = 0.05
"""Share of the learning rate that is left at the end of the cosine schedule."""


@dataclass(frozen=True)
class TrainingConfig:
    """How a client trains in one round. Adam starts afresh each time: a client keeps no state between rounds.

    The defaults are tuned for the digits, 10 rounds, 5 clients; see `scale_rate` for the schedule.

    Attributes:
        steps: optimiser steps; the same for every client however much data it has, so that the unweighted mean
            of their updates weighs each client's objective alike.
        batch_size: samples per step.
        learning_rate: of Adam, in the first round: about the most radians an angle moves in a step; up to 10.
        engine: "fused" or "torchquantum" (stock, gate by gate: slow).
        dtype: "float32" or, with the fused engine, "float64".

    Raises:
        InvalidInput: a value that is none of these.
    """

    steps: int = 45
    batch_size: int = 32
    learning_rate: float = 0.03
    engine: str = "fused"
    dtype: str = "float32"

    def __post_init__(self) -> None:
        for name, value in (("steps", self.steps), ("batch_size", self.batch_size)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InvalidInput(name, value, "must be a whole number, at least 1")
        rate = self.learning_rate
        if not isinstance(rate, int | float) or isinstance(rate, bool) or not 0 < rate <= MAX_RATE:
            raise InvalidInput("learning_rate", rate, f"must be a number above 0, at most {MAX_RATE}")
        if self.engine not in ENGINES:
            raise InvalidInput("engine", self.engine, f"choose one of {', '.join(ENGINES)}")
        if self.dtype not in DTYPES:
            raise InvalidInput("dtype", self.dtype, f"choose one of {', '.join(DTYPES)}")

    def in_round(self, number: int, rounds: int) -> TrainingConfig:
        """This configuration with the learning rate of round `number` (from 1) of a run of `rounds`."""
        return replace(self, learning_rate=self.learning_rate * scale_rate((number - 1) / rounds))


def scale_rate(progress: float) -> float:
    """Share of the learning rate at `progress` in [0, 1): half a cosine, from 1 down to `LAST_RATE`.

    Small steps in late rounds keep clients with different labels from undoing each other's work.
    """
    return LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * progress))
