"""The circuit of an architecture."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from qfl.quantum.architecture import ANGLE_AXES, ANGLES_PER_QUBIT, Architecture
from qfl.quantum.circuit import Circuit, Feature, Operation, Trainable, every_z

Layer = Callable[[int, int, int], Iterator[Operation]]
"""Gates of a layer on so many qubits; the layer's number; its first slot."""


def build_circuit(architecture: Architecture) -> Circuit:
    """Encoding, layers, and Z of every qubit; slots are ordered layer by layer, qubit by qubit."""
    qubits, encoding = architecture.qubits, architecture.encoding
    layer = _LAYERS[architecture.ansatz]
    operations = list(_encode_angles(architecture)) if encoding == "angle" else []
    for number in range(architecture.layers):
        if encoding == "reuploading":
            operations += _encode_angles(architecture)
        operations += layer(qubits, number, number * qubits * ANGLES_PER_QUBIT[architecture.ansatz])
    start = "ground" if architecture.is_angular else encoding
    slots = architecture.shape.quantum
    return Circuit(qubits, tuple(operations), every_z(qubits), slots, architecture.features, start)


def _encode_angles(architecture: Architecture) -> Iterator[Operation]:
    """Feature `i` turns qubit `i % qubits` by pi times itself, about axis `i // qubits` of `ANGLE_AXES`."""
    for index in range(architecture.features):
        run, qubit = divmod(index, architecture.qubits)
        yield Operation(ANGLE_AXES[run], (qubit,), (Feature(index, np.pi),))


def _zyz_ring(qubits: int, number: int, first: int) -> Iterator[Operation]:
    yield from _turn_each(qubits, first, ("rz", "ry", "rz"))
    for qubit in range(qubits):
        yield Operation("cnot", (qubit, (qubit + 1) % qubits))


def _hardware_efficient(qubits: int, number: int, first: int) -> Iterator[Operation]:
    yield from _turn_each(qubits, first, ("ry", "rz"))
    for qubit in range(qubits - 1):
        yield Operation("cnot", (qubit, qubit + 1))


def _strongly_entangling(qubits: int, number: int, first: int) -> Iterator[Operation]:
    yield from _turn_each(qubits, first, ("rz", "ry", "rz"))
    reach = number % (qubits - 1) + 1
    for qubit in range(qubits):
        yield Operation("cnot", (qubit, (qubit + reach) % qubits))


def _u3(qubits: int, number: int, first: int) -> Iterator[Operation]:
    for gate, wires in (("u3", 1), ("cu3", 2)):
        for qubit in range(qubits):
            on = (qubit, (qubit + 1) % qubits)[:wires]
            yield Operation(gate, on, tuple(Trainable(first + 3 * qubit + angle) for angle in range(3)))
        first += 3 * qubits


def _turn_each(qubits: int, first: int, gates: tuple[str, ...]) -> Iterator[Operation]:
    """Each qubit by one angle for each gate."""
    for qubit in range(qubits):
        for number, gate in enumerate(gates):
            yield Operation(gate, (qubit,), (Trainable(first + len(gates) * qubit + number),))


_LAYERS: dict[str, Layer] = {
    "zyz-ring": _zyz_ring,
    "hardware-efficient": _hardware_efficient,
    "strongly-entangling": _strongly_entangling,
    "u3": _u3,
}
