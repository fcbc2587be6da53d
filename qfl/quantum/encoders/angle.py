"""Angle encoding: a feature x in [0, 1] turns a qubit by pi*x, before the first layer."""

from __future__ import annotations

import math
from collections.abc import Iterator

from qfl.quantum.circuit import Feature, Operation
from qfl.quantum.registry import ENCODERS, Encoder

AXES = ("ry", "rz", "rx", "ry")
"""One pass over the qubits each: TorchQuantum's encoder "4x4_ryzxy"."""


@ENCODERS.register("angle")
class Angle(Encoder):
    """Up to `4*qubits` features: `i` turns qubit `i % qubits` about axis `i // qubits` of `AXES`."""

    is_angular = True

    def most_features(self, qubits: int) -> int:
        return len(AXES) * qubits

    def gates(self, features: int, qubits: int, layer: int) -> Iterator[Operation]:
        for index in range(features if layer == 0 else 0):
            run, qubit = divmod(index, qubits)
            yield Operation(AXES[run], (qubit,), (Feature(index, math.pi),))
