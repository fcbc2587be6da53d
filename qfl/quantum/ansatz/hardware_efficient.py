"""RY RZ on each qubit, and a chain of CNOTs (Kandala et al., Nature 549, 242, 2017)."""

from __future__ import annotations

from collections.abc import Iterator

from qfl.quantum.circuit import Operation, turn_each
from qfl.quantum.registry import ANSAETZE, Ansatz


@ANSAETZE.register("hardware-efficient")
class HardwareEfficient(Ansatz):
    """Two rotations of each qubit; CNOTs between neighbours on a line, as devices have them."""

    def angles(self, qubits: int) -> int:
        return 2 * qubits

    def gates(self, qubits: int, layer: int, first: int) -> Iterator[Operation]:
        yield from turn_each(qubits, first, ("ry", "rz"))
        for qubit in range(qubits - 1):
            yield Operation("cnot", (qubit, qubit + 1))
