"""The ansätze of this package: rotations of each qubit, then gates that tie qubits together."""

from collections.abc import Iterator

from qfl.quantum.circuit import Operation, Trainable, turn_each
from qfl.quantum.registry import ANSAETZE, Ansatz


@ANSAETZE.register("strongly-entangling")
class StronglyEntangling(Ansatz):
    """RZ RY RZ, and a CNOT from each qubit to one that is further away in every layer.

    Schuld et al., Phys. Rev. A 101, 032308, 2020; PennyLane's `StronglyEntanglingLayers`.
    """

    def angles(self, qubits: int) -> int:
        return 3 * qubits

    def gates(self, qubits: int, layer: int, first: int) -> Iterator[Operation]:
        yield from turn_each(qubits, first, ("rz", "ry", "rz"))
        reach = layer % (qubits - 1) + 1
        for qubit in range(qubits):
            yield Operation("cnot", (qubit, (qubit + reach) % qubits))


@ANSAETZE.register("zyz-ring")
class ZyzRing(StronglyEntangling):
    """The first layer of "strongly-entangling" every time: any rotation of each qubit, and each tied to the next."""

    def gates(self, qubits: int, layer: int, first: int) -> Iterator[Operation]:
        return super().gates(qubits, 0, first)


@ANSAETZE.register("hardware-efficient")
class HardwareEfficient(Ansatz):
    """RY RZ, and CNOTs between neighbours on a line, as devices have them (Kandala et al., Nature 549, 242, 2017)."""

    def angles(self, qubits: int) -> int:
        return 2 * qubits

    def gates(self, qubits: int, layer: int, first: int) -> Iterator[Operation]:
        yield from turn_each(qubits, first, ("ry", "rz"))
        for qubit in range(qubits - 1):
            yield Operation("cnot", (qubit, qubit + 1))


@ANSAETZE.register("u3")
class U3(Ansatz):
    """Any rotation of each qubit, and any of the next one where it is 1: U3, and a ring of controlled U3."""

    def angles(self, qubits: int) -> int:
        return 6 * qubits

    def gates(self, qubits: int, layer: int, first: int) -> Iterator[Operation]:
        for gate, wires in (("u3", 1), ("cu3", 2)):
            for qubit in range(qubits):
                on = (qubit, (qubit + 1) % qubits)[:wires]
                yield Operation(gate, on, tuple(Trainable(first + 3 * qubit + angle) for angle in range(3)))
            first += 3 * qubits


@ANSAETZE.register("classical")
class Classical(Ansatz):
    """The control: no circuit, but a perceptron of as many parameters (`qfl.training.model`); all are weights."""

    has_circuit = False

    def angles(self, qubits: int) -> int:
        return 0
