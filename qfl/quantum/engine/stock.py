"""A circuit in stock TorchQuantum, gate by gate: slow, and what the fused engine is tested against."""

from collections.abc import Callable, Sequence

import torch
import torchquantum as tq
import torchquantum.functional as tqf

from qfl.errors import InvalidInput
from qfl.quantum.circuit import Circuit, every_z, value_of
from qfl.quantum.registry import ENCODERS


class StockEngine:
    """An `Engine` (see `qfl.quantum.engine.engine`) on a `tq.QuantumDevice`; float32 only, as TorchQuantum is."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self._measure = tq.MeasureAll(tq.PauliZ)

    def expectations(self, features: torch.Tensor, slots: torch.Tensor) -> torch.Tensor:
        if slots.dtype != torch.float32:
            raise InvalidInput("dtype", str(slots.dtype), "TorchQuantum computes in float32; use the fused engine")
        circuit = self._circuit
        clients, batch, _ = features.shape
        samples = features.flatten(0, 1)
        # TorchQuantum has one batch dimension: samples of all clients, each with its client's angles.
        slots = slots.repeat_interleave(batch, dim=0)
        device = tq.QuantumDevice(n_wires=circuit.wires, bsz=clients * batch)
        if circuit.start != "ground":
            vectors = ENCODERS.find(circuit.start)().amplitudes(samples, circuit.wires)
            tq.AmplitudeEncoder()(device, vectors)
        for operation in circuit.operations:
            angles = (value_of(angle, slots.T, samples.T) for angle in operation.angles)
            values = [torch.as_tensor(angle).expand(len(samples)) for angle in angles]
            _apply(device, operation.gate, operation.wires, values)
        return self._read(device).view(clients, batch, len(circuit.observables))

    def _read(self, device: tq.QuantumDevice) -> torch.Tensor:
        if self._circuit.observables == every_z(self._circuit.wires):
            expectations: torch.Tensor = self._measure(device)
            return expectations
        return torch.stack([tq.expval_joint_analytical(device, string) for string in self._circuit.observables], dim=-1)


def _apply(device: tq.QuantumDevice, gate: str, wires: Sequence[int], values: Sequence[torch.Tensor]) -> None:
    if gate in _DETOURS:
        for step in _DETOURS[gate](wires, *values):
            _apply(device, *step)
    elif gate == "toffoli":
        flipped = torch.eye(8)[[0, 1, 2, 3, 4, 5, 7, 6]]
        tqf.qubitunitaryfast(device, wires=list(wires), params=flipped)
    elif values:
        getattr(tqf, gate)(device, wires=list(wires), params=torch.stack(list(values), dim=-1))
    else:
        getattr(tqf, gate)(device, wires=list(wires))


Step = tuple[str, Sequence[int], Sequence[torch.Tensor]]


def _cu3(wires: Sequence[int], theta: torch.Tensor, phi: torch.Tensor, lam: torch.Tensor) -> list[Step]:
    control, target = wires
    return [
        ("u1", [control], [(lam + phi) / 2]),
        ("u1", [target], [(lam - phi) / 2]),
        ("cnot", wires, []),
        ("u3", [target], [-theta / 2, torch.zeros_like(theta), -(phi + lam) / 2]),
        ("cnot", wires, []),
        ("u3", [target], [theta / 2, phi, torch.zeros_like(theta)]),
    ]


_EIGHTH = torch.tensor(torch.pi / 4)
_DETOURS: dict[str, Callable[..., list[Step]]] = {
    "u1": lambda wires, angle: [("phaseshift", wires, [angle])],
    "u2": lambda wires, phi, lam: [("u3", wires, [torch.full_like(phi, torch.pi / 2), phi, lam])],
    "cu1": lambda wires, angle: _cu3(wires, torch.zeros_like(angle), torch.zeros_like(angle), angle),
    "cu3": _cu3,
    "ch": lambda wires: [("ry", wires[1:], [-_EIGHTH]), ("cz", wires, []), ("ry", wires[1:], [_EIGHTH])],
}
"""Gates that torchquantum-ng 0.2.0 has but cannot run, of gates that it can.

u1, u2, cu1, ch and toffoli name what is not there, cu3 fails on a batch.
"""
