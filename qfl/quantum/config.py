"""How clients train: settings only, so that what merely passes them on need not import torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from qfl.errors import InvalidInput

ENGINES = ("fused", "torchquantum")
DTYPES = ("float32", "float64")
OPTIMISERS = ("momentum", "adam")
MAX_RATE = 10.0
MAX_PROXIMAL = 100.0
LAST_RATE = 0.05
"""Share of the learning rate that is left at the end of the cosine schedule."""


@dataclass(frozen=True)
class TrainingConfig:
    """How a client trains in one round.

    The defaults are tuned for the digits, 10 rounds, 5 clients, whatever classes each of them has; `docs/learning.md`
    tells what else was tried. See `scale_rate` for the schedule.

    Attributes:
        steps: optimiser steps; the same for every client however much data it has, so that the unweighted mean
            of their updates weighs each client's objective alike.
        batch_size: samples per step.
        optimiser: "momentum" (gradient descent with momentum) or "adam", afresh in every round.
        learning_rate: in the first round, up to 10. With momentum, radians for a gradient of 1 per radian; with Adam
            about the most radians an angle moves in a step: 0.03 is a good one.
        momentum: share of the last step's direction that goes into the next one, from 0, below 1.
        control_variates: whether a client corrects its gradients by what it and the others did in the last round
            (`qfl.quantum.controls`); it keeps one vector for it between rounds, and sends nothing more.
        proximal: pull back to the round's base, times the distance (FedProx, Li et al. 2020, arXiv:1812.06127,
            equation 2: its mu); 0 for none.
        sent_share: share of an update's lanes, the largest ones, that a client sends, above 0, up to 1; what it holds
            back goes into its next update (error feedback), so that it takes longer rather than getting lost.
        privacy_clip: most that a round's training may change the model, as the length of all radians and weights
            together; 0 for no differential privacy.
        privacy_noise: standard deviation of the noise on every coordinate, in lengths of `privacy_clip`; whatever the
            seed, no two runs have the same.
        engine: "fused" or "torchquantum" (stock, gate by gate: slow).
        dtype: "float32" or, with the fused engine, "float64".

    Raises:
        InvalidInput: a value that is none of these, or control variates with Adam.
    """

    steps: int = 45
    batch_size: int = 32
    optimiser: str = "momentum"
    learning_rate: float = 0.25
    momentum: float = 0.9
    control_variates: bool = True
    proximal: float = 0.0
    sent_share: float = 1.0
    privacy_clip: float = 0.0
    privacy_noise: float = 0.0
    engine: str = "fused"
    dtype: str = "float32"

    def __post_init__(self) -> None:
        _check_count("steps", self.steps)
        _check_count("batch_size", self.batch_size)
        if not _is_number(self.learning_rate) or not 0 < self.learning_rate <= MAX_RATE:
            raise InvalidInput("learning_rate", self.learning_rate, f"must be a number above 0, at most {MAX_RATE}")
        if not _is_number(self.momentum) or not 0 <= self.momentum < 1:
            raise InvalidInput("momentum", self.momentum, "must be a number from 0, below 1")
        if not _is_number(self.proximal) or not 0 <= self.proximal <= MAX_PROXIMAL:
            raise InvalidInput("proximal", self.proximal, f"must be a number from 0 to {MAX_PROXIMAL}")
        if not _is_number(self.sent_share) or not 0 < self.sent_share <= 1:
            raise InvalidInput("sent_share", self.sent_share, "must be a number above 0, at most 1")
        for name in ("privacy_clip", "privacy_noise"):
            if not _is_number(amount := getattr(self, name)) or not 0 <= amount < math.inf:
                raise InvalidInput(name, amount, "must be a number from 0")
        if self.privacy_noise and not self.privacy_clip:
            raise InvalidInput(
                "privacy_clip", self.privacy_clip, "noise hides a change of bounded length only: give one"
            )
        if self.privacy_clip and not self.privacy_noise:
            raise InvalidInput("privacy_noise", self.privacy_noise, "a bound alone keeps nothing private: give noise")
        if not isinstance(self.control_variates, bool):
            raise InvalidInput("control_variates", self.control_variates, "must be true or false")
        _check_choice("optimiser", self.optimiser, OPTIMISERS)
        _check_choice("engine", self.engine, ENGINES)
        _check_choice("dtype", self.dtype, DTYPES)
        if self.control_variates and self.optimiser == "adam":
            # Adam divides each client's gradients by a scale of its own: their mean is not in anybody's steps.
            raise InvalidInput("control_variates", True, 'Adam has none: set it to false, or optimiser to "momentum"')

    @property
    def reach(self) -> float:
        """How far a gradient of 1 that never changes moves a coordinate in this round, with momentum: from rest."""
        begun = self.momentum * (1 - self.momentum**self.steps) / (1 - self.momentum)
        return self.learning_rate * (self.steps - begun)

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
        trajectories: most random draws of those Paulis that the shots are spread over; without noise there is one.
        zero_as_one: probability to read 1 where the qubit is 0, each qubit by itself, in [0, 1].
        one_as_zero: the other way round.

    Raises:
        InvalidInput: a value out of range.
    """

    shots: int | None = 1024
    one_wire_error: float = 0.0
    many_wire_error: float = 0.0
    trajectories: int = 32
    zero_as_one: float = 0.0
    one_as_zero: float = 0.0

    def __post_init__(self) -> None:
        for name in ("one_wire_error", "many_wire_error", "zero_as_one", "one_as_zero"):
            if not _is_number(rate := getattr(self, name)) or not 0 <= rate <= 1:
                raise InvalidInput(name, rate, "must be a probability, from 0 to 1")
        _check_count("trajectories", self.trajectories)
        if self.shots is not None:
            _check_count("shots", self.shots)

    @property
    def is_noisy(self) -> bool:
        """Whether gates fail."""
        return self.one_wire_error > 0 or self.many_wire_error > 0

    @property
    def draws(self) -> int:
        """Trajectories that are run: never more than there are shots."""
        if not self.is_noisy:
            return 1
        return self.trajectories if self.shots is None else min(self.trajectories, self.shots)


def device_config(values: Mapping[str, Any], training: TrainingConfig) -> DeviceConfig | None:
    """A device from a config file's table; None from an empty one.

    Raises:
        InvalidInput: an unknown name or a bad value, or a recipe that asks for another engine than the default.
    """
    if not values:
        return None
    known = [setting.name for setting in fields(DeviceConfig)]
    for name, value in values.items():
        if name not in known:
            raise InvalidInput(f"device.{name}", value, f"unknown; known are {', '.join(known)}")
    if training.engine != TrainingConfig.engine:
        raise InvalidInput("training.engine", training.engine, "a device runs in place of an engine: name one of them")
    return DeviceConfig(**values)


def scale_rate(progress: float) -> float:
    """Share of the learning rate at `progress` in [0, 1): half a cosine, from 1 down to `LAST_RATE`.

    Small steps in late rounds keep clients with different labels from undoing each other's work.
    """
    return LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * progress))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_count(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidInput(name, value, "must be a whole number, at least 1")


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InvalidInput(name, value, f"choose one of {', '.join(choices)}")
