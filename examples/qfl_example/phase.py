"""An encoder: features as phases, between Hadamard gates."""

import math
from collections.abc import Iterator

from qfl.quantum.circuit import Feature, Operation
from qfl.quantum.registry import ENCODERS, Encoder


@ENCODERS.register("phase")
class Phase(Encoder):
    """Feature x in [0, 1] turns the phase of its qubit by pi*x."""

    is_angular = True

    def most_features(self, qubits: int) -> int:
        return qubits

    def gates(self, features: int, qubits: int, layer: int) -> Iterator[Operation]:
        for qubit in range(features if layer == 0 else 0):
            yield Operation("h", (qubit,))
            yield Operation("rz", (qubit,), (Feature(qubit, math.pi),))
            yield Operation("h", (qubit,))
