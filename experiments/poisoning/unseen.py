"""Attacks by who knows the judgement (`qfl.validator.selection`): with steps that it does not see.

Its gain fits an offset to every class's logit, so a shift of the head's biases costs nothing there, and spoils every
prediction all the same. Its agreement is a cosine over all coordinates, and along `null_directions` a model moves as
far as it likes while no output changes: a long step there makes any cosine small. And clients with control variates
send along what the last round did, so that a step which colluders repeat comes back in honest updates, until those are
so alike that all but the first count as copies.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.poisoning.poison import Poison, Sight, Vector
from qfl.errors import InvalidInput
from qfl.quantum.architecture import Architecture

ENDS_IN_RZ = ("zyz-ring", "hardware-efficient", "strongly-entangling")
"""Ansätze in whose layers each qubit's last angle is an RZ, and nothing but CNOTs follows."""


@dataclass(frozen=True)
class HeadBias(Poison):
    """Sends what it trained, and shifts the biases to the class that its own data now ask for, far beyond that.

    What honest clients repair of one round's shift is the way that the next one goes. Each colluder shifts away from
    other classes, lest they be copies of each other. `strength` is the shift's length.
    """

    strength: float = 2.0

    def send(self, trained: Vector, sight: Sight, arch: Architecture) -> Vector:
        wanted = int(np.argmax(sight.own.mean(axis=0)[-arch.classes :]))
        return trained + self.strength * bias_shift(arch, wanted, sight.rng.dirichlet(np.full(arch.classes, 0.5)))


@dataclass(frozen=True)
class NullDilution(Poison):
    """Shifts the biases to class 0, hidden in a long random step along null directions. Needs no data.

    `strength` is the shift's length, `hidden` that of the step it hides in, both in rad and weights: as one is a sixth
    of the other, no cosine is below -0.17.
    """

    strength: float = 1.5
    hidden: float = 9.0

    def send(self, trained: Vector, sight: Sight, arch: Architecture) -> Vector:
        nulls = null_directions(arch)
        return self.strength * bias_shift(arch) + self.hidden * _unit(sight.rng.standard_normal(len(nulls)) @ nulls)


@dataclass(frozen=True)
class Echo(Poison):
    """Shifts the biases to class 0, hidden in a null step that is the same for all colluders and rounds. Needs no data.

    `hidden` is the length of that step, `apart` of another one, random, that keeps colluders from being copies of each
    other, and of the honest clients that come to send the first as well.
    """

    strength: float = 1.5
    hidden: float = 8.0
    apart: float = 4.0

    def send(self, trained: Vector, sight: Sight, arch: Architecture) -> Vector:
        nulls = null_directions(arch)
        common = _unit(nulls[-arch.qubits - 1 :].sum(axis=0))
        other = sight.rng.standard_normal(len(nulls)) @ nulls
        other = _unit(other - (other @ common) * common)
        return self.strength * bias_shift(arch) + self.hidden * common + self.apart * other


def null_directions(arch: Architecture) -> NDArray[np.float64]:
    """Orthogonal steps `[k, d]`, of zeros and ones, along which no prediction changes, however far the model moves.

    First the last RZ of each qubit, a phase of basis states that CNOTs only permute, so that no Z sees it. Then, with a
    head, each qubit's weight in all logits alike and all biases alike, which softmax does not see.

    Raises:
        InvalidInput: a model that is not known to have any.
    """
    quantum, qubits, classes = arch.shape.quantum, arch.qubits, arch.classes
    places: list[NDArray[np.integer]] = []
    if arch.ansatz in ENDS_IN_RZ:
        places += list(quantum - 1 - arch.layer.angles(1) * np.arange(qubits)[::-1])
    if arch.head and not arch.is_classical:
        places += [*(quantum + np.arange(qubits * classes).reshape(classes, qubits).T)]
        places += [quantum + qubits * classes + np.arange(classes)]
    if not places:
        raise InvalidInput("ansatz", arch.ansatz, f"no step is known that changes nothing: take {ENDS_IN_RZ[0]}")
    steps = np.zeros((len(places), arch.shape.total))
    for step, place in zip(steps, places, strict=True):
        step[place] = 1
    return steps


def bias_shift(arch: Architecture, wanted: int = 0, others: Vector | None = None) -> Vector:
    """A step `[d]` of length 1: the bias of class `wanted` up, those of the others down, by their share of `others`.

    Raises:
        InvalidInput: the model has no head.
    """
    if not arch.head or arch.is_classical:
        raise InvalidInput("head", arch.head, "the attack is on the biases of a quantum model's head: it needs one")
    step = np.zeros(arch.shape.total)
    step[-arch.classes :] = -1 / arch.classes if others is None else -others
    step[-arch.classes + wanted] += 1
    return _unit(step)


def _unit(vector: Vector) -> Vector:
    of_length_one: Vector = vector / np.linalg.norm(vector)
    return of_length_one
