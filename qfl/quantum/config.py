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


@dataclass(frozen=True)
class DeviceConfig:
    """What stands between an exact simulation and a real device; see `qfl.quantum.device`.

    Attributes:
        shots: measurements for each sample and each setting; None: the mean of infinitely many.
        one_wire_error: probability that a gate on one wire is followed by a uniformly random Pauli (identity included):
            the depolarising channel (1 - p) rho + p I/2, in [0, 1].
        many_wire_error: the same of gates on more wires, a random Pauli string on all of them.
        trajectories: random draws of those Paulis that the shots are spread over evenly; one is enough without noise.
        zero_as_one: probability to read 1 where the qubit is 0, each qubit by itself, in [0, 1].
        one_as_zero: the other way round.

    Raises:
        InvalidInput: a value out of range, or shots that cannot be spread over the trajectories.
    """

    shots: int | None = 1024
    one_wire_error: float = 0.0
    many_wire_error: float = 0.0
    trajectories: int = 32
    zero_as_one: float = 0.0
    one_as_zero: float = 0.0

    def __post_init__(self) -> None:
        for name in ("one_wire_error", "many_wire_error", "zero_as_one", "one_as_zero"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidInput(name, getattr(self, name), "must be a probability, from 0 to 1")
        if self.trajectories < 1:
            raise InvalidInput("trajectories", self.trajectories, "must be at least 1")
        if self.shots is not None and (self.shots < 1 or self.shots % self.draws):
            raise InvalidInput("shots", self.shots, f"must be a multiple of {self.draws}, the trajectories")

    @property
    def is_noisy(self) -> bool:
        """Whether gates fail."""
        return self.one_wire_error > 0 or self.many_wire_error > 0

    @property
    def draws(self) -> int:
        """Trajectories that are run."""
        return self.trajectories if self.is_noisy else 1


def scale_rate(progress: float) -> float:
    """Share of the learning rate at `progress` in [0, 1): half a cosine, from 1 down to `LAST_RATE`.

    Small steps in late rounds keep clients with different labels from undoing each other's work.
    """
    return LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * progress))
