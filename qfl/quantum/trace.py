"""Reads the gates of a `tq.QuantumModule` into a `Circuit`, by running it once and watching.

Every gate of TorchQuantum, called as a function, a method of the device or an operator, goes through `gate_wrapper`.
Where an angle comes from is asked of autograd: its derivatives say which parameter or feature it is, and times what.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
import torchquantum as tq

from qfl.errors import InvalidInput
from qfl.quantum.circuit import Angle, Circuit, Constant, Feature, Operation, Trainable, every_z
from qfl.quantum.gates import GATES

_FUNCTIONS = tq.functional.func_name_dict
_NAMES = {
    **{alias: name for name in GATES for alias, function in _FUNCTIONS.items() if function is _FUNCTIONS[name]},
    **{"shadamard": "sh", "p": "u1", "phaseshift": "u1"},
}
"""Ours of every name that TorchQuantum has for a gate."""
_INVERSES = {"s": "sdg", "sdg": "s", "t": "tdg", "tdg": "t", "sx": "sxdg", "sxdg": "sx", "cs": "csdg", "csdg": "cs"}
_TURNS = {name for name, gate in GATES.items() if gate.angles == 1}
_OWN_INVERSES = set("ihxyz") | {"cnot", "cy", "cz", "ch", "swap", "toffoli", "ccz", "cswap", "c3x"}
_SMALL = 1e-6


def trace_module(
    module: tq.QuantumModule, wires: int, features: int = 0, observables: Sequence[str] | None = None
) -> Circuit:
    """The circuit of `module`, called with a device of `wires` qubits and, if it reads `features`, a sample.

    Slots are the module's trainable parameters end to end, each flattened. An encoder that sets amplitudes has to come
    before every gate. A measurement in the module is not read: name the `observables`, unless it is Z of every wire.

    Raises:
        InvalidInput: a gate that is not in `GATES`, or an angle that is not linear in one parameter or feature.
    """
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    sample = torch.rand(1, features).requires_grad_()
    operations: list[Operation] = []
    starts: list[str] = []

    def record(name: str, *_: Any, wires: Any, params: Any = None, inverse: bool = False, **__: Any) -> None:
        on = (wires,) if isinstance(wires, int) else tuple(int(wire) for wire in wires)
        values = [] if params is None else list(torch.as_tensor(params).reshape(-1))
        angles = tuple(_source(value, parameters, sample) for value in values)
        operation = Operation(_NAMES.get(name, name), on, angles)
        operations.append(_inverted(operation) if inverse else operation)

    def start(*_: Any) -> None:
        if operations:
            raise InvalidInput("encoder", "amplitude", "it has to come before every gate")
        starts.append("amplitude")

    with _watching(record, start):
        device = tq.QuantumDevice(n_wires=wires, bsz=1)
        module(device, sample) if features else module(device)
    slots = sum(parameter.numel() for parameter in parameters)
    measured = every_z(wires) if observables is None else tuple(observables)
    return Circuit(wires, tuple(operations), measured, slots, features, starts[0] if starts else "ground")


@contextmanager
def _watching(record: Callable[..., None], start: Callable[..., None]) -> Iterator[None]:
    """While this lasts gates are told to `record` instead of being applied, amplitude encoders to `start`."""
    modules = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("torchquantum.functional.") and hasattr(module, "gate_wrapper")
    ]
    kept = [(module, dict(vars(module))) for module in modules]
    encode = tq.StateEncoder.forward
    try:
        for module in modules:
            # Some gates of torchquantum-ng 0.2.0 look up a matrix where there is none.
            vars(module).update(gate_wrapper=record, mat_dict=defaultdict(lambda: None))
        tq.StateEncoder.forward = start
        yield
    finally:
        tq.StateEncoder.forward = encode
        for module, names in kept:
            for name in ("gate_wrapper", "mat_dict"):
                if name in names:
                    setattr(module, name, names[name])
                else:
                    delattr(module, name)


def _source(value: torch.Tensor, parameters: Sequence[torch.Tensor], sample: torch.Tensor) -> Angle:
    number = float(value.detach())
    if not value.requires_grad:
        return Constant(number)
    inputs = [*parameters, sample]
    slopes = torch.autograd.grad(value, inputs, create_graph=True, allow_unused=True)
    pairs = zip(slopes, inputs, strict=True)
    flat = torch.cat([torch.zeros(of.numel()) if slope is None else slope.reshape(-1) for slope, of in pairs])
    moved = flat.abs().gt(_SMALL).nonzero().flatten().tolist()
    if len(moved) != 1:
        raise InvalidInput("angle", number, f"it depends on {len(moved)} numbers; an angle may depend on one, linearly")
    if flat.requires_grad:
        raise InvalidInput("angle", number, "it is not linear in the number it depends on")
    (index,) = moved
    scale = float(flat[index])
    offset = number - scale * float(torch.cat([of.detach().reshape(-1) for of in inputs])[index])
    offset = 0.0 if abs(offset) < _SMALL * (1 + abs(number)) else offset
    slots = flat.numel() - sample.numel()
    return Trainable(index, scale, offset) if index < slots else Feature(index - slots, scale, offset)


def _inverted(operation: Operation) -> Operation:
    gate, angles = operation.gate, operation.angles
    if gate in _OWN_INVERSES:
        return operation
    if gate in _INVERSES:
        return replace(operation, gate=_INVERSES[gate])
    if gate in _TURNS:
        return replace(operation, angles=(_negated(angles[0]),))
    if gate in ("u3", "cu3"):
        theta, phi, lam = map(_negated, angles)
        return replace(operation, angles=(theta, lam, phi))
    if gate in ("rot", "crot"):
        return replace(operation, angles=tuple(_negated(angle) for angle in reversed(angles)))
    raise InvalidInput("gate", f"inverse of {gate}", "write it with gates whose inverse is a gate")


def _negated(angle: Angle) -> Angle:
    if isinstance(angle, Constant):
        return Constant(-angle.value)
    return replace(angle, scale=-angle.scale, offset=-angle.offset)
