"""RZ RY RZ, and CNOTs whose range grows from layer to layer.

Schuld et al., Phys. Rev. A 101, 032308, 2020; PennyLane's `StronglyEntanglingLayers`.
"""

from __future__ import annotations

from collections.abc import Iterator

from qfl.quantum.ansatz.zyz_ring import ZyzRing
from qfl.quantum.circuit import Operation, turn_each
from qfl.quantum.registry import ANSAETZE


@ANSAETZE.register("strongly-entangling")
class StronglyEntangling(ZyzRing):
    """The rotations of "zyz-ring", each qubit tied to one further away in every layer."""

    def gates(self, qubits: int, layer: int, first: int) -> Iterator[Operation]:
        yield from turn_each(qubits, first, ("rz", "ry", "rz"))
        reach = layer % (qubits - 1) + 1
        for qubit in range(qubits):
            yield Operation("cnot", (qubit, (qubit + reach) % qubits))
