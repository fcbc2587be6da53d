"""An ansatz: RY on each qubit, and CZ between pairs, other pairs in every other layer."""

from collections.abc import Iterator

from qfl.quantum.circuit import Operation, turn_each
from qfl.quantum.registry import ANSAETZE, Ansatz


@ANSAETZE.register("brickwork")
class Brickwork(Ansatz):
    """One angle a qubit and layer."""

    def angles(self, qubits: int) -> int:
        return qubits

    def gates(self, qubits: int, layer: int, first: int) -> Iterator[Operation]:
        yield from turn_each(qubits, first, ("ry",))
        for qubit in range(layer % 2, qubits - 1, 2):
            yield Operation("cz", (qubit, qubit + 1))
