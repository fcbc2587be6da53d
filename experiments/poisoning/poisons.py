"""Every poison by name, and those that are made with an update itself, or with the data that an attacker trains on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.poisoning.circuit import BitFlip, PhaseFlip, RandomPaulis
from experiments.poisoning.poison import Poison, Sight, Vector
from experiments.poisoning.unseen import Echo, HeadBias, NullDilution
from qfl.errors import InvalidInput
from qfl.quantum.architecture import Architecture
from qfl.training.data.datasets import LabelledData

PATCH = 2
"""Side of a backdoor's trigger, pixels."""
TINY = 1e-9


@dataclass(frozen=True)
class Scaling(Poison):
    """Sends what it trained `strength` times: the boost of model replacement (Bagdasaryan et al. 2020, section 4.2).

    Below zero it is the sign flip (Li et al. 2019, "RSA", arXiv:1811.03761).
    """

    strength: float = 10.0

    def send(self, trained: Vector, sight: Sight, arch: Architecture) -> Vector:
        return self.strength * trained


@dataclass(frozen=True)
class Gaussian(Poison):
    """Sends noise of `strength` times the root mean square of what it trained, by block (Blanchard et al. 2017)."""

    strength: float = 3.0

    def send(self, trained: Vector, sight: Sight, arch: Architecture) -> Vector:
        blocks = np.split(trained, [sight.shape.quantum])
        scales = [math.sqrt(float(np.mean(block**2))) if block.size else 0.0 for block in blocks]
        spread = np.repeat(scales, [block.size for block in blocks])
        return self.strength * spread * sight.rng.standard_normal(trained.shape)


@dataclass(frozen=True)
class LittleIsEnough(Poison):
    """Colluders send the mean of what they know, moved by `deviations` of its spread, coordinate by coordinate.

    Baruch et al. 2019, "A Little Is Enough" (arXiv:1902.06156), algorithm 3. The default is what its equation 1 allows
    24 colluders of 50, 1.4, rounded up; 3 of 10 would be allowed 0.18, and that does nothing.
    """

    deviations: float = 1.5

    def send(self, trained: Vector, sight: Sight, arch: Architecture) -> Vector:
        known = sight.honest if self.omniscient else sight.own
        moved: Vector = known.mean(axis=0) - self.deviations * known.std(axis=0)
        return moved


@dataclass(frozen=True)
class InnerProduct(Poison):
    """Colluders send the mean of what they know, turned round, `strength` times.

    Xie et al. 2019, "Fall of Empires" (arXiv:1903.03936), section 4: a small strength hides among honest updates, a
    large one turns the mean round.
    """

    strength: float = 3.0

    def send(self, trained: Vector, sight: Sight, arch: Architecture) -> Vector:
        known = sight.honest if self.omniscient else sight.own
        turned: Vector = -self.strength * known.mean(axis=0)
        return turned


@dataclass(frozen=True)
class FreeRider(Poison):
    """Sends what the last round did to the model, and a little noise, as if it had trained.

    Lin et al. 2019, "Free-riders in federated learning" (arXiv:1911.12560), "delta weights"; `noise` in rad.
    """

    noise: float = 1e-3

    def send(self, trained: Vector, sight: Sight, arch: Architecture) -> Vector:
        return sight.previous + self.noise * sight.rng.standard_normal(trained.shape)


@dataclass(frozen=True)
class LabelFlip(Poison):
    """Calls class c of C by C - 1 - c (Fang et al. 2020, arXiv:1911.11815, section 4.1)."""

    def taint(self, data: LabelledData, classes: int) -> LabelledData:
        return LabelledData(data.features, classes - 1 - data.labels)


@dataclass(frozen=True)
class Backdoor(Poison):
    """Shows `share` of its samples with a bright patch in the corner and calls those `target`; boosts what it learns.

    Bagdasaryan et al. 2020, "How to backdoor federated learning" (arXiv:1807.00459), with a pixel trigger.
    """

    target: int = 0
    share: float = 0.5
    strength: float = 2.0

    def taint(self, data: LabelledData, classes: int) -> LabelledData:
        marked = round(self.share * len(data.labels))
        features, labels = data.features.copy(), data.labels.copy()
        features[:marked], labels[:marked] = with_trigger(features[:marked]), self.target
        return LabelledData(features, labels)

    def send(self, trained: Vector, sight: Sight, arch: Architecture) -> Vector:
        return self.strength * trained

    def shown(self, data: LabelledData) -> LabelledData:
        """What does not belong to the target, with the trigger, called by the target: its accuracy is the success."""
        others = data.take(np.flatnonzero(data.labels != self.target))
        return LabelledData(with_trigger(others.features), np.full_like(others.labels, self.target))


@dataclass(frozen=True)
class Grover(Poison):
    """Trains behind one step of amplitude amplification in its own circuit: its angles fit a state nobody else has.

    The Grover attack of CULT (Mathur et al. 2026, arXiv:2605.27416) on the surface "in training". Amplitude encoding
    is linear, so the step (Brassard et al. 2002, arXiv:quant-ph/0005055, section 2) is one on the features: with
    sin(t) the amplitude of every fourth basis state together, it turns to sin(3t), that of all others to cos(3t).
    "centred-amplitude" takes the mean off again, so that the state is the amplified one but for its part along the
    uniform state; behind angle encoding features are merely distorted.
    """

    every: int = 4

    def taint(self, data: LabelledData, classes: int) -> LabelledData:
        centred = data.features - data.features.mean(axis=1, keepdims=True)
        marked = np.where(np.arange(centred.shape[1]) % self.every == 0, centred, 0.0)
        others = centred - marked
        whole = np.linalg.norm(centred, axis=1, keepdims=True)
        turn = np.arcsin(np.clip(_ratio(np.linalg.norm(marked, axis=1, keepdims=True), whole), 0.0, 1.0))
        amplified = marked * _ratio(np.sin(3 * turn), np.sin(turn)) + others * _ratio(np.cos(3 * turn), np.cos(turn))
        return LabelledData(amplified.astype(np.float32), data.labels)


def with_trigger(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Square images `[n, side * side]` with a bright patch in the last corner."""
    side = math.isqrt(features.shape[1])
    images = features.copy().reshape(-1, side, features.shape[1] // side)
    images[:, -PATCH:, -PATCH:] = 1.0
    return images.reshape(features.shape)


def _ratio(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.floating]:
    """Their ratio, 1 where there is nothing to divide by."""
    ratio: NDArray[np.floating] = np.divide(one, other, out=np.ones_like(one), where=np.abs(other) > TINY)
    return ratio


POISONS: Mapping[str, Poison] = {
    "sign-flip": Scaling(strength=-3.0),
    "scaling": Scaling(),
    "gaussian": Gaussian(),
    "label-flip": LabelFlip(),
    "backdoor": Backdoor(),
    "little-is-enough": LittleIsEnough(),
    "little-is-enough-omniscient": LittleIsEnough(omniscient=True),
    "inner-product": InnerProduct(),
    "inner-product-small": InnerProduct(strength=0.5),
    "inner-product-omniscient": InnerProduct(strength=1.0, omniscient=True),
    "free-rider": FreeRider(),
    "grover": Grover(),
    "pauli": RandomPaulis(),
    "bit-flip": BitFlip(),
    "phase-flip": PhaseFlip(),
    "head-bias": HeadBias(),
    "null-dilution": NullDilution(),
    "echo": Echo(),
}
"""The suite, with the strengths that docs/results/robustness.md speaks of."""


def find_poison(name: str) -> Poison:
    """The poison called `name`.

    Raises:
        InvalidInput: there is none.
    """
    if name not in POISONS:
        raise InvalidInput("attack", name, f"choose one of {', '.join(POISONS)}")
    return POISONS[name]
