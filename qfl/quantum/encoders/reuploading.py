"""Angle encoding before every layer (Perez-Salinas et al., Quantum 4, 226, 2020)."""

from __future__ import annotations

from collections.abc import Iterator

from qfl.quantum.circuit import Operation
from qfl.quantum.encoders.angle import Angle
from qfl.quantum.registry import ENCODERS


@ENCODERS.register("reuploading")
class Reuploading(Angle):
    """The gates of "angle", again and again: the model can make higher frequencies of a feature."""

    def gates(self, features: int, qubits: int, layer: int) -> Iterator[Operation]:
        return super().gates(features, qubits, 0)
