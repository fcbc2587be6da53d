"""The circuit of an architecture."""

from __future__ import annotations

from qfl.quantum.architecture import Architecture
from qfl.quantum.circuit import Circuit, Operation, every_z


def build_circuit(architecture: Architecture) -> Circuit:
    """Encoding, layers, and Z of every qubit; slots are ordered layer by layer."""
    qubits, features = architecture.qubits, architecture.features
    encoder, ansatz = architecture.encoder, architecture.layer
    operations: list[Operation] = []
    for layer in range(architecture.layers):
        operations += encoder.gates(features, qubits, layer)
        operations += ansatz.gates(qubits, layer, layer * ansatz.angles(qubits))
    start = architecture.encoding if encoder.sets_amplitudes else "ground"
    return Circuit(qubits, tuple(operations), every_z(qubits), architecture.shape.quantum, features, start)
