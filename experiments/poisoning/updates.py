"""Attacks with the update itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from experiments.poisoning.poison import Poison, Sight, Vector
from qfl.quantum.architecture import Architecture


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
