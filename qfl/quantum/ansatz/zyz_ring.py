"""RZ RY RZ on each qubit, and a ring of CNOTs."""

from __future__ import annotations

from collections.abc import Iterator

from qfl.quantum.circuit import Operation, turn_each
from qfl.quantum.registry import ANSAETZE, Ansatz


@ANSAETZE.register("zyz-ring")
class ZyzRing(Ansatz):
    """Any rotation of each qubit, and each tied to the next."""

    def angles(self, qubits: int) -> int:
        return 3 * qubits

    def gates(self, qubits: int, layer: int, first: int) -> Iterator[Operation]:
        yield from turn_each(qubits, first, ("rz", "ry", "rz"))
        for qubit in range(qubits):
            yield Operation("cnot", (qubit, (qubit + 1) % qubits))
