"""In place of an ansatz: no circuit, but a perceptron of as many parameters, to compare with."""

from __future__ import annotations

from qfl.quantum.registry import ANSAETZE, Ansatz


@ANSAETZE.register("classical")
class Classical(Ansatz):
    """The control: all its numbers are weights (`qfl.training.classical`)."""

    has_circuit = False

    def angles(self, qubits: int) -> int:
        return 0
