"""Trained models for other programs: a Qiskit circuit, OpenQASM 3 text, or Qiskit's own file format QPY.

Wire `w` is Qiskit's qubit `w`. Trained angles are constants. Of a sample, feature `i` is the input `x<i>`; a model that
takes its features as amplitudes is prepared by gates, whose angles are the inputs `a<i>` (`preparation_angles`): a tree
of RY, each turning one wire by an angle for each basis state of the wires before it, taken apart into RY and CNOT (the
idea of Möttönen et al., Quantum Inf. Comput. 5, 467, 2005, without their Gray code, so with about twice as many CNOTs).
A head's weights are no part of a circuit: they go with it as metadata.
"""

import io
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit import QuantumCircuit, qasm3, qpy
from qiskit.circuit import Parameter

from qfl.errors import InvalidInput
from qfl.quantum.architecture import Architecture
from qfl.quantum.circuit import Circuit, Feature, Operation, build_circuit, value_of
from qfl.quantum.registry import ENCODERS

_NAMES = {"i": "id", "u1": "p", "u3": "u", "cnot": "cx", "cu1": "cp", "toffoli": "ccx"}
"""Qiskit's, where it differs."""


def export_model(
    architecture: Architecture, angles: NDArray[np.float64], weights: NDArray[np.float64], form: str
) -> bytes:
    """A model, measured in the end, as "qasm3" (text) or "qiskit" (QPY). Raises InvalidInput: classical, other form."""
    if architecture.is_classical:
        raise InvalidInput("ansatz", architecture.ansatz, "has no circuit to export")
    circuit = to_qiskit(build_circuit(architecture), angles)
    circuit.measure_all()
    facts = {"architecture": architecture.document, "weights": weights.tolist()}
    if form == "qasm3":
        header, _, body = qasm3.dumps(circuit).partition("\n")
        return f"{header}\n// {json.dumps(facts)}\n{body}\n".encode()
    if form != "qiskit":
        raise InvalidInput("format", form, "choose one of qasm3, qiskit")
    circuit.metadata = facts
    file = io.BytesIO()
    qpy.dump(circuit, file)
    return file.getvalue()


def to_qiskit(circuit: Circuit, slots: NDArray[np.float64]) -> Any:
    """A `qiskit.QuantumCircuit` with `slots` `[slots]` in it, and a `Parameter` for each number of a sample it uses."""
    prepared = prepare_by_gates(circuit)
    made = QuantumCircuit(prepared.wires)
    inputs = [Parameter(f"x{index}") for index in range(circuit.features)]
    inputs += [Parameter(f"a{index}") for index in range(prepared.features - circuit.features)]
    for operation in prepared.operations:
        _add(made, operation, [value_of(angle, slots.tolist(), inputs) for angle in operation.angles])
    return made


def _add(made: Any, operation: Operation, values: list[Any]) -> None:
    gate, wires = operation.gate, operation.wires
    if gate == "sh":
        made.ry(math.pi / 4, *wires)
    elif gate == "u2":
        made.u(math.pi / 2, *values, *wires)
    elif gate in ("rot", "crot"):
        control = gate.removesuffix("rot")
        for axis, value in zip("zyz", values, strict=True):
            getattr(made, f"{control}r{axis}")(value, *wires)
    elif gate == "cu3":
        made.cu(*values, 0, *wires)
    elif gate == "sswap":
        made.cx(*wires)
        made.csx(*reversed(wires))
        made.cx(*wires)
    elif gate == "c3x":
        made.mcx(list(wires[:3]), wires[3])
    else:
        getattr(made, _NAMES.get(gate, gate))(*values, *wires)


def prepare_by_gates(circuit: Circuit) -> Circuit:
    """The circuit from |0...0>: after its own features it takes the `preparation_angles` of the sample."""
    if circuit.start == "ground":
        return circuit
    operations: list[Operation] = []
    angle = circuit.features
    for wire in range(circuit.wires):
        operations += _multiplexed(tuple(range(wire)), wire, angle)
        angle += 2**wire
    return replace(circuit, operations=(*operations, *circuit.operations), features=angle, start="ground")


def preparation_angles(circuit: Circuit, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Radians `[samples, 2**wires - 1]` that prepare samples `[samples, features]` as the circuit's `start` says."""
    vectors = ENCODERS.find(circuit.start)().amplitudes(torch.as_tensor(features), circuit.wires).numpy()
    angles = []
    for wire in range(circuit.wires):
        halves = vectors.reshape(len(vectors), 2**wire, 2, -1)
        # Signs are the last wire's affair; before it, the length of each half.
        halves = halves[..., 0] if wire == circuit.wires - 1 else np.linalg.norm(halves, axis=-1)
        turns = 2 * np.arctan2(halves[..., 1], halves[..., 0])
        angles.append(_spread(turns))
    return np.concatenate(angles, axis=1)


def _multiplexed(controls: tuple[int, ...], wire: int, first: int) -> Iterator[Operation]:
    """RY of `wire`; between two CNOTs it turns the other way, so sum and difference give any two angles."""
    if not controls:
        yield Operation("ry", (wire,), (Feature(first),))
        return
    half = 2 ** (len(controls) - 1)
    for start in (first, first + half):
        yield from _multiplexed(controls[1:], wire, start)
        if start == first:
            yield Operation("cnot", (controls[0], wire))
    yield Operation("cnot", (controls[0], wire))


def _spread(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles for `_multiplexed` that turn by `turns[:, j]` where the controls are in basis state j."""
    if turns.shape[1] == 1:
        return turns
    zero, one = np.split(turns, 2, axis=1)
    return np.concatenate([_spread((zero + one) / 2), _spread((zero - one) / 2)], axis=1)
