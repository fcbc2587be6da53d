"""Angle encoding: a feature x in [0, 1] turns a qubit by pi*x."""

import math
from collections.abc import Iterator

from qfl.quantum.circuit import Feature, Operation
from qfl.quantum.registry import ENCODERS, Encoder

AXES = ("ry", "rz", "rx", "ry")
"""One pass over the qubits each: TorchQuantum's encoder "4x4_ryzxy"."""


@ENCODERS.register("reuploading")
class Reuploading(Encoder):
    """Before every layer (Perez-Salinas et al., Quantum 4, 226, 2020), for higher frequencies of a feature.

    Up to `4*qubits` features: `i` turns qubit `i % qubits` about axis `i // qubits` of `AXES`.
    """

    is_angular = True

    def most_features(self, qubits: int) -> int:
        return len(AXES) * qubits

    def gates(self, features: int, qubits: int, layer: int) -> Iterator[Operation]:
        for index in range(features):
            run, qubit = divmod(index, qubits)
            yield Operation(AXES[run], (qubit,), (Feature(index, math.pi),))


@ENCODERS.register("angle")
class Angle(Reuploading):
    """The gates of "reuploading" before the first layer alone."""

    def gates(self, features: int, qubits: int, layer: int) -> Iterator[Operation]:
        return super().gates(features if layer == 0 else 0, qubits, layer)
