"""Parameter-shift rules: the gradient of a circuit from runs of the same circuit at other angles, as devices allow.

Every occurrence of a trainable number is shifted by itself: a number that turns two gates has no rule of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from qfl.quantum.circuit import Circuit, Trainable
from qfl.quantum.gates import GATES, Turn

Term = tuple[float, float]
"""Coefficient, shift in radians: a rule is the sum of coefficient * f(angle + shift)."""

_HALF_PI = math.pi / 2
TWO_TERMS: tuple[Term, ...] = ((0.5, _HALF_PI), (-0.5, -_HALF_PI))
"""For a generator with one gap, 1 (Schuld et al., Phys. Rev. A 99, 032331, 2019)."""
_PLUS, _MINUS = ((math.sqrt(2) + sign) / (4 * math.sqrt(2)) for sign in (1, -1))
FOUR_TERMS: tuple[Term, ...] = (
    (_PLUS, _HALF_PI),
    (-_PLUS, -_HALF_PI),
    (-_MINUS, 3 * _HALF_PI),
    (_MINUS, -3 * _HALF_PI),
)
"""For gaps 1/2 and 1, of controlled rotations (Anselmetti et al., New J. Phys. 23, 113010, 2021)."""


@dataclass(frozen=True)
class Occurrence:
    """A place where a trainable number is an angle: `source` says how, `spec` how to differentiate by the angle."""

    source: Trainable
    spec: tuple[Term, ...]


def split_occurrences(circuit: Circuit) -> tuple[Circuit, Sequence[Occurrence]]:
    """The circuit with a slot of its own, the angle in radians, for each occurrence of a trainable number."""
    occurrences: list[Occurrence] = []
    operations = []
    for operation in circuit.operations:
        angles = list(operation.angles)
        for position, angle in enumerate(angles):
            if isinstance(angle, Trainable):
                angles[position] = Trainable(len(occurrences))
                occurrences.append(Occurrence(angle, _spec(operation.gate, position)))
        operations.append(replace(operation, angles=tuple(angles)))
    return replace(circuit, operations=tuple(operations), slots=len(occurrences)), occurrences


def _spec(gate: str, position: int) -> tuple[Term, ...]:
    (turn,) = (part for part in GATES[gate].parts if isinstance(part, Turn) and part.angle == position)
    gaps = {abs(float(one - other)) for one in turn.generator for other in turn.generator}
    return TWO_TERMS if gaps == {0.0, 1.0} else FOUR_TERMS
