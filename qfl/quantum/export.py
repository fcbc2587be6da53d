"""Trained models for other programs: a Qiskit circuit, OpenQASM 3 text, or Qiskit's own file format QPY.

Wire `w` is Qiskit's qubit `w`. Trained angles are constants. Of a sample, feature `i` is the input `x<i>`; a model that
takes its features as amplitudes is prepared by gates, whose angles are the inputs `a<i>` (`preparation_angles` of
`qfl.quantum.preparation`). A head's weights are no part of a circuit: they go with it as metadata.
"""

from __future__ import annotations

import io
import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit, qasm3, qpy
from qiskit.circuit import Parameter

from qfl.errors import InvalidInput
from qfl.quantum.architecture import Architecture
from qfl.quantum.circuit import Angle, Circuit, Constant, Operation, Trainable, build_circuit
from qfl.quantum.preparation import prepare_by_gates

_NAMES = {"i": "id", "u1": "p", "u3": "u", "cnot": "cx", "cu1": "cp", "toffoli": "ccx"}
"""Qiskit's, where it differs."""


def export_model(
    architecture: Architecture, angles: NDArray[np.float64], weights: NDArray[np.float64], form: str
) -> bytes:
    """A trained model, measured in the end, as "qasm3" (text) or "qiskit" (QPY).

    Raises:
        InvalidInput: a classical model, or another form.
    """
    if architecture.is_classical:
        raise InvalidInput("ansatz", architecture.ansatz, "has no circuit to export")
    circuit = to_qiskit(build_circuit(architecture), angles)
    circuit.measure_all()
    facts = {"architecture": json.loads(architecture.to_json()), "weights": weights.tolist()}
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
        _add(made, operation, [_value(angle, slots, inputs) for angle in operation.angles])
    return made


def _value(angle: Angle, slots: NDArray[np.float64], inputs: list[Any]) -> Any:
    if isinstance(angle, Constant):
        return angle.value
    if isinstance(angle, Trainable):
        return angle.scale * float(slots[angle.slot]) + angle.offset
    return angle.scale * inputs[angle.index] + angle.offset


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
