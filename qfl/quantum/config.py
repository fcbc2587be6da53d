"""How clients train: settings only, so that what merely passes them on need not import torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from qfl.bounds import check_choice, check_number, check_whole
from qfl.errors import InvalidInput

ENGINES = ("fused", "torchquantum")
DTYPES = ("float32", "float64")
OPTIMISERS = ("momentum", "adam")
MAX_STEPS = 10_000
MAX_BATCH = 2**14
MAX_SAMPLES = 10**7
"""Of all steps of a round together: who joins a job lets its author decide how long it computes."""
MAX_RATE = 10.0
MAX_PROXIMAL = 100.0
MIN_NOISE, MAX_NOISE = 1e-3, 1e4
"""Below the first there is no privacy left to speak of, and the accountant's numbers overflow."""
MAX_CLIP = 1e6
MAX_SHOTS = 10**7
MAX_TRAJECTORIES = 10**5
LAST_RATE = 0.05
"""Share of the learning rate that is left at the end of the cosine schedule."""


@dataclass(frozen=True)
class TrainingConfig:
    """How a client trains in one round.

    The defaults are tuned for the digits, 10 rounds, 5 clients, whatever classes each of them has;
    `docs/results/learning.md` tells what else was tried. See `scale_rate` for the schedule.

    Attributes:
        steps: optimiser steps, up to 10,000; the same for every client however much data it has, so that the
            unweighted mean of their updates weighs each client's objective alike.
        batch_size: samples per step, up to 16,384, and 10 million in all steps of a round.
        optimiser: "momentum" (gradient descent with momentum) or "adam", afresh in every round.
        learning_rate: in the first round, up to 10. With momentum, radians for a gradient of 1 per radian; with Adam
            about the most radians an angle moves in a step: 0.03 is a good one.
        momentum: share of the last step's direction that goes into the next one, from 0, below 1.
        control_variates: whether a client corrects its gradients by what it and the others did in the last round
            (`qfl.training.controls`); it keeps one vector for it between rounds, and sends nothing more.
        proximal: pull back to the round's base, times the distance (FedProx, Li et al. 2020, arXiv:1812.06127,
            equation 2: its mu); 0 for none.
        sent_share: share of an update's lanes, the largest ones, that a client sends, above 0, up to 1; what it holds
            back goes into its next update (error feedback), so that it takes longer rather than getting lost.
        privacy_clip: most that a round's training may change the model, as the length of all radians and weights
            together, up to a million; 0 for no differential privacy.
        privacy_noise: standard deviation of the noise on every coordinate, in lengths of `privacy_clip`, 0.001 to
            10,000 or 0; whatever the seed, no two runs have the same.
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
        check_whole("steps", self.steps, 1, MAX_STEPS)
        check_whole("batch_size", self.batch_size, 1, MAX_BATCH)
        if (samples := self.steps * self.batch_size) > MAX_SAMPLES:
            remedy = f"{samples:,} samples in {self.steps} steps: take at most {MAX_SAMPLES:,} in all"
            raise InvalidInput("batch_size", self.batch_size, remedy)
        check_number("learning_rate", self.learning_rate, 0, MAX_RATE, above=True)
        check_number("momentum", self.momentum, 0, 1, below=True)
        check_number("proximal", self.proximal, 0, MAX_PROXIMAL)
        check_number("sent_share", self.sent_share, 0, 1, above=True)
        check_number("privacy_clip", self.privacy_clip, 0, MAX_CLIP)
        if self.privacy_noise != 0:
            check_number("privacy_noise", self.privacy_noise, MIN_NOISE, MAX_NOISE)
        if self.privacy_noise and not self.privacy_clip:
            raise InvalidInput(
                "privacy_clip", self.privacy_clip, "noise hides a change of bounded length only: give one"
            )
        if self.privacy_clip and not self.privacy_noise:
            raise InvalidInput("privacy_noise", self.privacy_noise, "a bound alone keeps nothing private: give noise")
        if not isinstance(self.control_variates, bool):
            raise InvalidInput("control_variates", self.control_variates, "must be true or false")
        check_choice("optimiser", self.optimiser, OPTIMISERS)
        check_choice("engine", self.engine, ENGINES)
        check_choice("dtype", self.dtype, DTYPES)
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
    """What stands between an exact simulation and a real device; see `qfl.quantum.engine.device`.

    Attributes:
        shots: measurements for each sample and each setting, up to 10 million; None: the mean of infinitely many.
        one_wire_error: probability that a gate on one wire is followed by a uniformly random Pauli (identity included):
            the depolarising channel (1 - p) rho + p I/2, in [0, 1].
        many_wire_error: the same of gates on more wires, a random Pauli string on all of them.
        trajectories: most random draws of those Paulis that the shots are spread over, up to 100,000; without noise
            there is one.
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
            check_number(name, getattr(self, name), 0, 1)
        check_whole("trajectories", self.trajectories, 1, MAX_TRAJECTORIES)
        if self.shots is not None:
            check_whole("shots", self.shots, 1, MAX_SHOTS)

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
