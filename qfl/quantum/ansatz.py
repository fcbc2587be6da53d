"""The circuit of an architecture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qfl.quantum.architecture import ANGLE_AXES, Architecture
from qfl.quantum.circuit import Circuit, Feature, Operation, Trainable, every_z


def build_circuit(architecture: Architecture) -> Circuit:
    """Encoding, layers, and Z of every qubit; slots are ordered as `Architecture.shape` says."""
    operations = []
    if architecture.encoding == "angle":
        operations += list(_encode_angles(architecture))
    for layer in range(architecture.layers):
        operations += list(_zyz_ring(architecture.qubits, layer * architecture.qubits * 3))
    start = "ground" if architecture.encoding == "angle" else architecture.encoding
    return Circuit(
        architecture.qubits,
        tuple(operations),
        every_z(architecture.qubits),
        architecture.shape.quantum,
        architecture.features,
        start,
    )


def _encode_angles(architecture: Architecture) -> Iterator[Operation]:
    """Feature `i` turns qubit `i % qubits` by pi times itself, about axis `i // qubits` of `ANGLE_AXES`."""
    for index in range(architecture.features):
        run, qubit = divmod(index, architecture.qubits)
        yield Operation(ANGLE_AXES[run], (qubit,), (Feature(index, np.pi),))


def _zyz_ring(qubits: int, first: int) -> Iterator[Operation]:
    """RZ RY RZ on every qubit, then CNOT from each to the next one, around."""
    for qubit in range(qubits):
        for number, gate in enumerate(("rz", "ry", "rz")):
            yield Operation(gate, (qubit,), (Trainable(first + 3 * qubit + number),))
    for qubit in range(qubits):
        yield Operation("cnot", (qubit, (qubit + 1) % qubits))
