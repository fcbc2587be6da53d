"""U3 on each qubit, and a ring of controlled U3."""

from __future__ import annotations

from collections.abc import Iterator

from qfl.quantum.circuit import Operation, Trainable
from qfl.quantum.registry import ANSAETZE, Ansatz


@ANSAETZE.register("u3")
class U3(Ansatz):
    """Any rotation of each qubit, and any of the next one where it is 1."""

    def angles(self, qubits: int) -> int:
        return 6 * qubits

    def gates(self, qubits: int, layer: int, first: int) -> Iterator[Operation]:
        for gate, wires in (("u3", 1), ("cu3", 2)):
            for qubit in range(qubits):
                on = (qubit, (qubit + 1) % qubits)[:wires]
                yield Operation(gate, on, tuple(Trainable(first + 3 * qubit + angle) for angle in range(3)))
            first += 3 * qubits
