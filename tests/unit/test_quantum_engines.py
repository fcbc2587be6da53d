"""The circuit: by hand on small cases, and the fused engine against stock TorchQuantum."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from qfl.errors import InvalidInput
from qfl.quantum.architecture import Architecture
from qfl.quantum.engine.engine import make_engine
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
    return make_engine(engine, arch).expectations(torch.as_tensor(features), torch.as_tensor(angles))


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
