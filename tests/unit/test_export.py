"""Circuits of and for other libraries: Qiskit reads what is exported, modules of TorchQuantum become circuits."""

import io
import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torchquantum as tq
import torchquantum.functional as tqf
from numpy.typing import NDArray
from qiskit import QuantumCircuit, qasm3, qpy
from qiskit.quantum_info import SparsePauliOp, Statevector

from qfl.errors import InvalidInput
from qfl.quantum.architecture import Architecture
from qfl.quantum.circuit import Circuit, Feature, Operation, Trainable, build_circuit
from qfl.quantum.engine.program import Program
from qfl.quantum.export import export_model, preparation_angles, to_qiskit
from qfl.quantum.gates import GATES
from qfl.quantum.trace import trace_module
from qfl.training.training import initial_parameters

MODELS = [
    Architecture("angle", 3, 2, 2, features=5, ansatz="strongly-entangling"),
    Architecture("reuploading", 3, 2, 2, features=4, ansatz="u3"),
    Architecture("amplitude", 3, 2, 2, features=8, ansatz="zyz-ring"),
    Architecture("centred-amplitude", 4, 1, 2, features=13, ansatz="hardware-efficient"),
]


def _by_qiskit(made: QuantumCircuit, strings: tuple[str, ...], inputs: dict[str, float]) -> list[float]:
    made = made.remove_final_measurements(inplace=False)
    state = Statevector(made.assign_parameters({one: inputs[one.name] for one in made.parameters}))
    # Qiskit writes the last qubit first.
    return [float(state.expectation_value(SparsePauliOp(string[::-1])).real) for string in strings]


def _by_engine(circuit: Circuit, slots: NDArray[np.float64], sample: NDArray[np.float64]) -> list[float]:
    found: list[float] = (
        Program(circuit).expectations(torch.tensor(sample)[None, None], torch.tensor(slots)[None])[0, 0].tolist()
    )
    return found


def _inputs(circuit: Circuit, sample: NDArray[np.float64]) -> dict[str, float]:
    found = {f"x{index}": float(value) for index, value in enumerate(sample)}
    if circuit.start != "ground":
        found |= {f"a{index}": float(value) for index, value in enumerate(preparation_angles(circuit, sample[None])[0])}
    return found


def _read_qasm3(data: bytes) -> QuantumCircuit:
    pytest.importorskip("qiskit_qasm3_import", reason="install qiskit-qasm3-import to read OpenQASM 3 back")
    return qasm3.loads(data.decode())


def _read_qpy(data: bytes) -> QuantumCircuit:
    return qpy.load(io.BytesIO(data))[0]


@pytest.mark.parametrize(("form", "read"), [("qasm3", _read_qasm3), ("qiskit", _read_qpy)])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.encoding)
def test_exported_model_says_what_the_engine_says(model: Architecture, form: str, read) -> None:
    angles, weights = initial_parameters(model, 1)
    circuit, sample = build_circuit(model), np.random.default_rng(2).normal(size=model.features)
    made = read(export_model(model, angles, weights, form))
    found = _by_qiskit(made, circuit.observables, _inputs(circuit, sample))
    assert found == pytest.approx(_by_engine(circuit, angles, sample), abs=1e-9)


@pytest.mark.parametrize("gate", sorted(GATES))
def test_every_gate_is_qiskits(gate: str) -> None:
    takes = GATES[gate]
    wires = tuple(reversed(range(takes.wires)))
    spread = tuple(Operation("ry", (wire,), (Trainable(wire),)) for wire in range(4))
    turned = tuple(Operation("rx", (wire,), (Trainable(3 - wire),)) for wire in range(4))
    one = Operation(gate, wires, tuple(Trainable(slot + 1, 1.5) for slot in range(takes.angles)))
    circuit = Circuit(4, (*spread, *turned, one), ("ZIII", "XYII", "IZXY", "YXZI"), slots=4)
    slots = np.array([0.4, 0.9, 1.3, -0.7])
    assert _by_qiskit(to_qiskit(circuit, slots), circuit.observables, {}) == pytest.approx(
        _by_engine(circuit, slots, np.zeros(0)), abs=1e-9
    )


def test_head_goes_with_the_circuit() -> None:
    model = MODELS[0]
    angles, weights = initial_parameters(model, 1)
    assert _read_qpy(export_model(model, angles, weights, "qiskit")).metadata["weights"] == weights.tolist()
    comment = export_model(model, angles, weights, "qasm3").decode().splitlines()[1]
    assert json.loads(comment.removeprefix("// "))["weights"] == weights.tolist()


def test_refuses_what_has_no_circuit() -> None:
    model = Architecture(ansatz="classical")
    with pytest.raises(InvalidInput, match="ansatz = 'classical'"):
        export_model(model, *initial_parameters(model, 1), "qasm3")


# --- modules of TorchQuantum ---


class Mixed(tq.QuantumModule):
    """Encoder, operators with parameters of their own, functions, methods of the device, an inverse."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = tq.GeneralEncoder(tq.encoder_op_list_name_dict["4x4_ryzxy"])
        self.turn = tq.RX(has_params=True, trainable=True)
        self.tie = tq.CRY(has_params=True, trainable=True)
        self.free = torch.nn.Parameter(torch.tensor([0.3, -0.8]))

    def forward(self, device: tq.QuantumDevice, sample: torch.Tensor) -> None:
        self.encoder(device, sample)
        self.turn(device, wires=2)
        self.tie(device, wires=[0, 3])
        device.h(wires=1)
        tqf.s(device, wires=0, inverse=True)
        tqf.rz(device, wires=1, params=2 * self.free[:1] + 0.5)
        tqf.rzz(device, wires=[1, 2], params=self.free[1:])
        device.cnot(wires=[3, 0])


def test_traced_module_has_the_expectations_of_the_module() -> None:
    torch.manual_seed(3)
    module = Mixed()
    circuit = trace_module(module, wires=4, features=16)
    samples = torch.rand(5, 16)
    slots = torch.cat([parameter.detach().reshape(-1) for parameter in module.parameters()])
    device = tq.QuantumDevice(n_wires=4, bsz=5)
    module(device, samples)
    theirs = tq.MeasureAll(tq.PauliZ)(device)
    ours = Program(circuit).expectations(samples.unsqueeze(0), slots.unsqueeze(0))[0]
    torch.testing.assert_close(ours, theirs.detach(), atol=1e-5, rtol=0)


def test_sources_of_angles_by_hand() -> None:
    class Small(tq.QuantumModule):
        def __init__(self) -> None:
            super().__init__()
            self.angle = torch.nn.Parameter(torch.tensor([1.0]))

        def forward(self, device: tq.QuantumDevice, sample: torch.Tensor) -> None:
            tqf.rx(device, wires=0, params=-3 * self.angle)
            tqf.u1(device, wires=0, params=sample[:, 1])

    circuit = trace_module(Small(), wires=1, features=2)
    assert circuit.operations == (Operation("rx", (0,), (Trainable(0, -3.0),)), Operation("u1", (0,), (Feature(1),)))


class Turning(tq.QuantumModule):
    """Turns a wire by what `angle_of` makes of a parameter and the samples."""

    def __init__(self, angle_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.angle, self.angle_of = torch.nn.Parameter(torch.tensor([1.0])), angle_of

    def forward(self, device: tq.QuantumDevice, sample: torch.Tensor) -> None:
        tqf.rx(device, wires=0, params=self.angle_of(self.angle, sample))


@pytest.mark.parametrize(
    ("angle_of", "message"),
    [
        (lambda angle, sample: angle * sample[:, 0], "depends on 2 numbers"),
        (lambda angle, _sample: angle**2, "not linear"),
    ],
)
def test_refuses_an_angle_that_is_no_line_of_one_number(angle_of, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        trace_module(Turning(angle_of), wires=1, features=1)


def test_gates_work_again_after_a_trace_that_failed() -> None:
    class Odd(tq.QuantumModule):
        def forward(self, device: tq.QuantumDevice) -> None:
            tqf.qft(device, wires=[0, 1], n_wires=2)

    with pytest.raises(InvalidInput, match="gate = 'qft'"):
        trace_module(Odd(), wires=2)
    device = tq.QuantumDevice(n_wires=1, bsz=1)
    tqf.paulix(device, wires=0)
    assert device.get_states_1d().abs().tolist() == [[0.0, 1.0]]
