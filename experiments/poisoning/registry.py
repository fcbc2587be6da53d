"""Every poison, by name."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.poisoning.circuit import BitFlip, PhaseFlip, RandomPaulis
from experiments.poisoning.data import Backdoor, Grover, LabelFlip
from experiments.poisoning.poison import Poison
from experiments.poisoning.unseen import Echo, HeadBias, NullDilution
from experiments.poisoning.updates import FreeRider, Gaussian, InnerProduct, LittleIsEnough, Scaling
from qfl.errors import InvalidInput

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
