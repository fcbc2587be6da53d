"""The circuit: by hand on small cases, and the fused engine against stock TorchQuantum and finite differences."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from qfl.errors import InvalidInput
from qfl.quantum.architecture import Architecture
from qfl.quantum.circuit import Circuit, Constant, Feature, Operation, Trainable, every_z
from qfl.quantum.engine.engine import make_engine
from qfl.quantum.engine.program import Program
from qfl.quantum.engine.stock import StockEngine
from qfl.quantum.gates import GATES
from qfl.training.classification import LOGIT_SCALE
from qfl.training.model import QuantumClassifier

ENGINES = ("fused", "torchquantum")
CASES = {
    "six qubits": Architecture(layers=3),
    "odd register, padded": Architecture("amplitude", qubits=5, layers=2, classes=3, features=20),
    "two qubits": Architecture("amplitude", qubits=2, layers=4, classes=2, features=4),
    "angle, all four axes": Architecture("angle", qubits=3, layers=2, classes=3, features=11),
    "reuploading": Architecture("reuploading", qubits=6, layers=3, classes=3, features=8),
    "hardware-efficient": Architecture(layers=3, ansatz="hardware-efficient"),
    "strongly-entangling": Architecture(layers=4, ansatz="strongly-entangling"),
    "u3": Architecture(layers=2, ansatz="u3"),
}


def _run(engine: str, arch: Architecture, features: object, angles: object) -> torch.Tensor:
    return make_engine(engine, arch).expectations(torch.as_tensor(features), torch.as_tensor(angles).flatten(1))


@pytest.mark.parametrize("arch", CASES.values(), ids=CASES)
def test_engines_agree_on_outputs_and_gradients(arch: Architecture) -> None:
    random = torch.Generator().manual_seed(7)
    features = torch.rand(3, 4, arch.features, generator=random)
    start = 12 * torch.rand(3, arch.shape.quantum, generator=random) - 6
    # Weights of their own for every output: a swapped qubit, sample or client would show.
    cotangent = torch.randn(3, 4, arch.qubits, generator=random)
    outputs, gradients = [], []
    for engine in ENGINES:
        angles = start.clone().requires_grad_()
        output = _run(engine, arch, features, angles)
        (output * cotangent).sum().backward()
        outputs.append(output.detach())
        gradients.append(angles.grad)
    torch.testing.assert_close(outputs[0], outputs[1], atol=1e-5, rtol=0)
    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-4, rtol=0)


@pytest.mark.parametrize("engine", ENGINES)
def test_ry_then_ring_by_hand(engine: str) -> None:
    # Two qubits in |00>; RY(t) on qubit 0 gives cos|00> + sin|10>; CNOT 0->1: cos|00> + sin|11>;
    # CNOT 1->0: cos|00> + sin|01>. So Z0 = 1, Z1 = cos(t).
    arch = Architecture("amplitude", qubits=2, layers=1, classes=2, features=4)
    angles = np.zeros((1, 1, 2, 3), np.float32)
    angles[0, 0, 0, 1] = 0.7
    output = _run(engine, arch, np.array([[[1, 0, 0, 0]]], np.float32), angles)
    torch.testing.assert_close(output, torch.tensor([[[1.0, math.cos(0.7)]]]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("engine", ENGINES)
def test_angle_encoding_by_hand(engine: str) -> None:
    # Feature 1/3 on qubit 0: RY(pi/3), Z = 1/2; qubit 1 stays |0>. The ring maps (Z0, Z1) to (Z1, Z0 Z1).
    arch = Architecture("angle", qubits=2, layers=1, classes=2, features=2)
    output = _run(engine, arch, np.array([[[1 / 3, 0]]], np.float32), np.zeros((1, 1, 2, 3), np.float32))
    torch.testing.assert_close(output, torch.tensor([[[1.0, 0.5]]]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("encoding", ["amplitude", "centred-amplitude"])
@pytest.mark.parametrize("engine", ENGINES)
def test_blank_image_is_the_ground_state(engine: str, encoding: str) -> None:
    arch = Architecture(encoding, qubits=3, layers=1, classes=2, features=8)
    output = _run(engine, arch, np.zeros((1, 1, 8), np.float32), np.zeros((1, 1, 3, 3), np.float32))
    torch.testing.assert_close(output, torch.ones(1, 1, 3))


@pytest.mark.parametrize("factor", [1e-30, 1e30])
def test_amplitudes_depend_on_direction_only(factor: float) -> None:
    arch = Architecture("amplitude", qubits=3, layers=1, classes=2, features=8)
    image, angles = torch.rand(1, 1, 8, generator=torch.Generator().manual_seed(3)), torch.ones(1, 1, 3, 3)
    torch.testing.assert_close(_run("fused", arch, image * factor, angles), _run("fused", arch, image, angles))


def test_centring_makes_brightness_irrelevant() -> None:
    arch = Architecture("centred-amplitude", qubits=3, layers=2, classes=2, features=8)
    random = torch.Generator().manual_seed(3)
    image = torch.rand(1, 1, 8, generator=random)
    angles = torch.rand(1, 2, 3, 3, generator=random)
    torch.testing.assert_close(_run("fused", arch, image, angles), _run("fused", arch, image + 0.25, angles))


def test_twelve_qubits_run() -> None:
    arch = Architecture("amplitude", qubits=12, layers=2, classes=10, features=784)
    random = torch.Generator().manual_seed(5)
    output = _run("fused", arch, torch.rand(1, 2, 784, generator=random), torch.rand(1, 2, 12, 3, generator=random))
    assert output.shape == (1, 2, 12)
    assert bool((output.abs() <= 1 + 1e-5).all())


def test_stock_engine_refuses_double_precision() -> None:
    arch = Architecture("amplitude", qubits=2, layers=1, classes=2, features=4)
    model = QuantumClassifier(arch, np.zeros(6), np.zeros(6), engine="torchquantum", dtype="float64")
    with pytest.raises(InvalidInput, match="float32"):
        model(torch.ones(1, 1, 4))


def test_head_weights_are_matrix_then_bias() -> None:
    # In |00> both expectations are 1: logit k = scale * (sum of row k + bias k).
    arch = Architecture("amplitude", qubits=2, layers=1, classes=2, features=4)
    model = QuantumClassifier(arch, np.zeros(6), np.array([1.0, 2.0, 3.0, 4.0, 0.5, -0.5]))
    logits = model(torch.tensor([[[1.0, 0, 0, 0]]]))
    torch.testing.assert_close(logits, LOGIT_SCALE * torch.tensor([[[3.5, 6.5]]]))


def test_without_head_the_first_expectations_are_the_logits() -> None:
    arch = Architecture("amplitude", qubits=3, layers=1, classes=2, head=False, features=8)
    logits = QuantumClassifier(arch, np.zeros(9), np.zeros(0))(torch.eye(8)[None, :1])
    torch.testing.assert_close(logits, torch.full((1, 1, 2), LOGIT_SCALE))


@pytest.mark.parametrize(("angles", "weights"), [(287, 70), (288, 69)])
def test_model_refuses_parameters_of_another_shape(angles: int, weights: int) -> None:
    with pytest.raises(InvalidInput, match="the architecture has"):
        QuantumClassifier(Architecture(), np.zeros(angles), np.zeros(weights))


def test_classical_control_by_hand() -> None:
    # One unit: 0.5 * 1 + 0.25 * 2 = 1, bias -1 -> tanh 0 = 0; the logits are the last biases.
    arch = Architecture("amplitude", qubits=2, layers=1, classes=2, head=False, features=2, ansatz="classical")
    assert arch.hidden == 1
    model = QuantumClassifier(arch, np.zeros(0), np.array([0.5, 0.25, -1.0, 3.0, 4.0, 0.7, -0.7]))
    torch.testing.assert_close(model(torch.tensor([[[1.0, 2.0]]])), torch.tensor([[[0.7, -0.7]]]))


# --- any circuit ---


CIRCUITS, CLIENTS, BATCH = 200, 2, 3


def _random_angle(rng: np.random.Generator, slots: int, features: int) -> Trainable | Feature | Constant:
    scale, offset = float(rng.choice([1, 1, -0.5, 2])), float(rng.choice([0, 0, 0.3]))
    kinds = (
        Trainable(int(rng.integers(slots)), scale, offset),
        Feature(int(rng.integers(features)), scale, offset),
        Constant(float(rng.uniform(-3, 3))),
    )
    return kinds[rng.integers(3)]


def _random_circuit(rng: np.random.Generator) -> Circuit:
    """2 to 8 wires, 5 to 40 gates of all kinds, shared slots, Z of every wire or three Pauli strings."""
    wires, slots, features = (int(rng.integers(*span)) for span in ((2, 9), (1, 8), (1, 5)))
    names = [name for name in sorted(GATES) if GATES[name].wires <= wires]
    operations = []
    for _ in range(rng.integers(5, 41)):
        name = str(rng.choice(names))
        on = tuple(int(wire) for wire in rng.permutation(wires)[: GATES[name].wires])
        angles = tuple(_random_angle(rng, slots, features) for _ in range(GATES[name].angles))
        operations.append(Operation(name, on, angles))
    strings = tuple("".join(rng.choice(list("IXYZ"), wires)) for _ in range(3))
    observables = every_z(wires) if rng.integers(2) else strings
    return Circuit(wires, tuple(operations), observables, slots, features, str(rng.choice(["ground", "amplitude"])))


def _run_circuit(
    engine: Program | StockEngine, circuit: Circuit, seed: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Expectations, and the gradients of trainable numbers and features of a random combination of them."""
    random = torch.Generator().manual_seed(seed)
    features = torch.rand(CLIENTS, BATCH, circuit.features, generator=random).requires_grad_()
    slots = (6 * torch.rand(CLIENTS, circuit.slots, generator=random) - 3).requires_grad_()
    output = engine.expectations(features, slots)
    cotangent = torch.randn(output.shape, generator=random)
    # Nothing may depend on anything: a zero gradient all the same.
    ((output * cotangent).sum() + 0 * (features.sum() + slots.sum())).backward()
    assert slots.grad is not None and features.grad is not None
    return output.detach(), slots.grad, features.grad


@pytest.mark.parametrize("part", range(4))
def test_random_circuits_agree_with_stock_torchquantum(part: int) -> None:
    for seed in range(part, CIRCUITS, 4):
        circuit = _random_circuit(np.random.default_rng(seed))
        fused, stock = (_run_circuit(engine(circuit), circuit, seed) for engine in (Program, StockEngine))
        for ours, theirs, tolerance in zip(fused, stock, (1e-5, 1e-4, 1e-4), strict=True):
            torch.testing.assert_close(ours, theirs, atol=tolerance, rtol=0, msg=partial("{}: {}".format, circuit))


@pytest.mark.parametrize("seed", range(6))
def test_gradients_match_finite_differences_in_double_precision(seed: int) -> None:
    circuit = _random_circuit(np.random.default_rng(1000 + seed))
    random = torch.Generator().manual_seed(seed)
    features = torch.rand(2, 2, circuit.features, generator=random, dtype=torch.float64, requires_grad=True)
    slots = torch.rand(2, circuit.slots, generator=random, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(Program(circuit).expectations, (features, slots))


def test_nine_wires_in_three_groups_agree_with_stock() -> None:
    operations = [Operation("h", (wire,)) for wire in range(9)]
    operations += [Operation("cry", (wire, (wire + 4) % 9), (Trainable(wire),)) for wire in range(9)]
    circuit = Circuit(9, tuple(operations), every_z(9), slots=9, features=1)
    for ours, theirs in zip(
        _run_circuit(Program(circuit), circuit, 0), _run_circuit(StockEngine(circuit), circuit, 0), strict=True
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_bell_pair_by_hand() -> None:
    # H, CNOT: (|00> + |11>) / sqrt(2). XX = ZZ = 1, YY = -1, ZI = 0.
    circuit = Circuit(2, (Operation("h", (0,)), Operation("cnot", (0, 1))), ("XX", "YY", "ZZ", "ZI"), slots=0)
    output = Program(circuit).expectations(torch.zeros(1, 1, 0), torch.zeros(1, 0))
    torch.testing.assert_close(output, torch.tensor([[[1.0, -1.0, 1.0, 0.0]]]))


def test_ry_of_half_a_feature_by_hand() -> None:
    circuit = Circuit(1, (Operation("ry", (0,), (Feature(0, 0.5, 0.25),)),), ("Z", "X"), slots=0, features=1)
    output = Program(circuit).expectations(torch.tensor([[[0.8]]]), torch.zeros(1, 0))
    torch.testing.assert_close(output, torch.tensor([[[math.cos(0.65), math.sin(0.65)]]]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Operation("warp", (0,)), "gate = 'warp'"),
        (lambda: Operation("cnot", (1, 1)), "wires = "),
        (lambda: Operation("rx", (0,)), "angles = 0"),
        (lambda: Circuit(1, (Operation("h", (1,)),), ("Z",), 0), "wire = 1"),
        (lambda: Circuit(1, (Operation("rx", (0,), (Trainable(2),)),), ("Z",), 2), "slot = 2"),
        (lambda: Circuit(1, (Operation("rx", (0,), (Feature(0),)),), ("Z",), 0), "feature = 0"),
        (lambda: Circuit(2, (), ("Z",), 0), "observable = 'Z'"),
    ],
)
def test_refuses_what_there_is_not(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make()
