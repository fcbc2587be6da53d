"""The circuit in stock TorchQuantum, gate by gate: slow, and what the fused engine is tested against."""

from __future__ import annotations

import torch
import torchquantum as tq
import torchquantum.functional as tqf

from qfl.errors import InvalidInput
from qfl.quantum.architecture import Architecture
from qfl.quantum.encoding import amplitudes, axis_passes


class StockEngine:
    """An `Engine` (see `qfl.quantum.engine`) on a `tq.QuantumDevice`; float32 only, as TorchQuantum is."""

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        self._measure = tq.MeasureAll(tq.PauliZ)

    def expectations(self, features: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
        if angles.dtype != torch.float32:
            raise InvalidInput("dtype", str(angles.dtype), "TorchQuantum computes in float32; use the fused engine")
        clients, batch, _ = features.shape
        qubits = self._architecture.qubits
        # TorchQuantum has one batch dimension: samples of all clients, each with its client's angles.
        device = tq.QuantumDevice(n_wires=qubits, bsz=clients * batch)
        self._encode(device, features.flatten(0, 1))
        per_sample = angles.repeat_interleave(batch, dim=0)
        for layer in per_sample.unbind(1):
            for qubit in range(qubits):
                tqf.rz(device, wires=qubit, params=layer[:, qubit, 0])
                tqf.ry(device, wires=qubit, params=layer[:, qubit, 1])
                tqf.rz(device, wires=qubit, params=layer[:, qubit, 2])
            for qubit in range(qubits):
                tqf.cnot(device, wires=[qubit, (qubit + 1) % qubits])
        expectations: torch.Tensor = self._measure(device)
        return expectations.view(clients, batch, qubits)

    def _encode(self, device: tq.QuantumDevice, features: torch.Tensor) -> None:
        qubits = self._architecture.qubits
        if self._architecture.encoding != "angle":
            vectors = amplitudes(features, qubits, self._architecture.encoding == "centred-amplitude")
            tq.AmplitudeEncoder()(device, vectors)
            return
        for axis, turns in axis_passes(features, qubits):
            for qubit in range(qubits):
                getattr(tqf, axis)(device, wires=qubit, params=turns[:, qubit])
