"""A circuit in stock TorchQuantum, gate by gate: slow, and what the fused engine is tested against."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torchquantum as tq
import torchquantum.functional as tqf

from qfl.errors import InvalidInput
from qfl.quantum.circuit import Angle, Circuit, Constant, Operation, Trainable, every_z
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
            values = [_value(angle, samples, slots) for angle in operation.angles]
            _apply(device, operation, values)
        return self._read(device).view(clients, batch, len(circuit.observables))

    def _read(self, device: tq.QuantumDevice) -> torch.Tensor:
        if self._circuit.observables == every_z(self._circuit.wires):
            expectations: torch.Tensor = self._measure(device)
            return expectations
        return torch.stack([tq.expval_joint_analytical(device, string) for string in self._circuit.observables], dim=-1)


def _value(angle: Angle, samples: torch.Tensor, slots: torch.Tensor) -> torch.Tensor:
    """An angle of each sample, `[samples]`."""
    if isinstance(angle, Constant):
        return torch.full((len(samples),), angle.value)
    number = slots[:, angle.slot] if isinstance(angle, Trainable) else samples[:, angle.index]
    return angle.scale * number + angle.offset


def _apply(device: tq.QuantumDevice, operation: Operation, values: list[torch.Tensor]) -> None:
    gate, wires = operation.gate, list(operation.wires)
    if gate in _DETOURS:
        _DETOURS[gate](device, wires, *values)
    elif values:
        getattr(tqf, gate)(device, wires=wires, params=torch.stack(values, dim=-1))
    else:
        getattr(tqf, gate)(device, wires=wires)


# Gates that torchquantum-ng 0.2.0 has but cannot run (u1, u2, cu1, ch and toffoli name what is not there, cu3 fails on
# a batch), of gates that it can.


def _u3(device: tq.QuantumDevice, wire: int, *angles: torch.Tensor) -> None:
    tqf.u3(device, wires=wire, params=torch.stack(angles, dim=-1))


def _u1(device: tq.QuantumDevice, wires: list[int], angle: torch.Tensor) -> None:
    tqf.phaseshift(device, wires=wires, params=angle)


def _u2(device: tq.QuantumDevice, wires: list[int], phi: torch.Tensor, lam: torch.Tensor) -> None:
    _u3(device, wires[0], torch.full_like(phi, torch.pi / 2), phi, lam)


def _cu1(device: tq.QuantumDevice, wires: list[int], angle: torch.Tensor) -> None:
    _cu3(device, wires, torch.zeros_like(angle), torch.zeros_like(angle), angle)


def _cu3(device: tq.QuantumDevice, wires: list[int], theta: torch.Tensor, phi: torch.Tensor, lam: torch.Tensor) -> None:
    control, target = wires
    zero = torch.zeros_like(theta)
    _u1(device, [control], (lam + phi) / 2)
    _u1(device, [target], (lam - phi) / 2)
    tqf.cnot(device, wires=wires)
    _u3(device, target, -theta / 2, zero, -(phi + lam) / 2)
    tqf.cnot(device, wires=wires)
    _u3(device, target, theta / 2, phi, zero)


def _ch(device: tq.QuantumDevice, wires: list[int]) -> None:
    tqf.ry(device, wires=wires[1], params=-torch.pi / 4)
    tqf.cz(device, wires=wires)
    tqf.ry(device, wires=wires[1], params=torch.pi / 4)


def _toffoli(device: tq.QuantumDevice, wires: list[int]) -> None:
    flipped = torch.eye(8)[[0, 1, 2, 3, 4, 5, 7, 6]]
    tqf.qubitunitaryfast(device, wires=wires, params=flipped)


_DETOURS: dict[str, Callable[..., None]] = {
    "u1": _u1,
    "u2": _u2,
    "cu1": _cu1,
    "cu3": _cu3,
    "ch": _ch,
    "toffoli": _toffoli,
}
