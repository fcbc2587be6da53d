"""What a poisoning client may change, and what it may know."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.protocol.types import ModelShape
from qfl.quantum.architecture import Architecture
from qfl.training.data.datasets import LabelledData

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Sight:
    """What an attacker sees when it makes its update. Differences to the base, `[d]`: angles in rad, then weights.

    Updates are revealed after all commitments, so of this round's it knows its own kind's alone.

    Attributes:
        base: the model that the round trains on.
        previous: what the round before made of its base; zeros in the first round.
        own: what each colluder trained, `[colluders, d]`.
        honest: what each honest client trained, `[honest, d]`: for strategies that say `omniscient`, which no attacker
            on a chain can be. Empty for the others.
        shape: of the model.
        rng: decides what is random in the attack, for each colluder something else.
    """

    base: Vector
    previous: Vector
    own: NDArray[np.float64]
    honest: NDArray[np.float64]
    shape: ModelShape
    rng: np.random.Generator


@dataclass(frozen=True)
class Poison:
    """An honest client, to be changed in one place by each strategy.

    Attributes:
        omniscient: whether it needs `Sight.honest`.
    """

    omniscient: bool = False

    def taint(self, data: LabelledData, classes: int) -> LabelledData:
        """The data that it trains on."""
        return data

    def enter(self, angles: Vector, arch: Architecture) -> Vector:
        """The angles `[quantum]` that stand for the base in its own circuit."""
        return angles

    def leave(self, angles: Vector, arch: Architecture) -> Vector:
        """Inverse of `enter`, for the angles that it trained."""
        return angles

    def send(self, trained: Vector, sight: Sight, arch: Architecture) -> Vector:
        """The difference to the base that it sends in place of the one it `trained`, both `[d]`."""
        return trained
