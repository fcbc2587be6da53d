"""The poisons: each does what its paper says, to an update worked out by hand or to the circuit itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torchquantum as tq
import torchquantum.functional as tqf
from hypothesis import given
from hypothesis import strategies as st

from experiments.poisoning.circuit import BitFlip, PhaseFlip, RandomPaulis, with_paulis, without_paulis
from experiments.poisoning.client import POISONERS
from experiments.poisoning.poison import Poison, Sight
from experiments.poisoning.poisons import (
    POISONS,
    Backdoor,
    FreeRider,
    Gaussian,
    Grover,
    InnerProduct,
    LabelFlip,
    LittleIsEnough,
    Scaling,
    find_poison,
    with_trigger,
)
from qfl.errors import InvalidInput
from qfl.protocol.types import ModelShape
from qfl.quantum.architecture import Architecture
from qfl.quantum.engine.engine import make_engine
from qfl.training.data.datasets import LabelledData

SMALL = Architecture("amplitude", qubits=4, layers=3, features=16)
GATES = (None, tqf.paulix, tqf.pauliy, tqf.pauliz)


def sight(own, honest=(), previous=(0.0, 0.0, 0.0)):
    return Sight(
        base=np.zeros(3),
        previous=np.array(previous),
        own=np.array(own, float),
        honest=np.array(honest, float).reshape(-1, 3),
        shape=ModelShape(2, 1),
        rng=np.random.default_rng(1),
    )


def sent(poison: Poison, own, **known) -> list[float]:
    """What the first colluder sends, who trained the first of `own`."""
    return poison.send(np.array(own[0], float), sight(own, **known), SMALL).tolist()


def test_updates_by_hand():
    own = [[1.0, -2.0, 0.0], [3.0, -2.0, 1.0]]
    assert sent(POISONS["sign-flip"], own) == [-3, 6, 0]
    assert sent(Scaling(), own) == [10, -20, 0]
    assert sent(InnerProduct(strength=0.5), own) == [-1, 1, -0.25]
    assert sent(LittleIsEnough(), own) == [2 - 1.5, -2, 0.5 - 0.75]
    assert sent(FreeRider(noise=0.0), own, previous=(5.0, 6.0, 7.0)) == [5, 6, 7]


def test_only_the_omniscient_go_by_what_honest_clients_trained():
    own, honest = [[1.0, 1.0, 1.0]], [[2.0, 4.0, 6.0], [4.0, 4.0, 4.0]]
    assert sent(InnerProduct(strength=1.0), own, honest=honest) == [-1, -1, -1]
    assert sent(InnerProduct(strength=1.0, omniscient=True), own, honest=honest) == [-3, -4, -5]
    assert not any(POISONS[name].omniscient for name in POISONERS)


def test_noise_is_as_loud_as_its_block():
    loud = [[3.0, 4.0, 0.0]]  # root mean squares 3.54 and 0
    noise = sent(Gaussian(strength=1.0), loud)
    assert noise[2] == 0
    assert np.linalg.norm(noise) > 0


def test_labels_are_turned_round():
    data = LabelledData(np.zeros((3, 4), np.float32), np.array([0, 3, 9]))
    assert LabelFlip().taint(data, 10).labels.tolist() == [9, 6, 0]


def test_a_backdoor_marks_its_share_and_nothing_else():
    data = LabelledData(np.zeros((4, 16), np.float32), np.array([1, 2, 3, 1]))
    tainted = Backdoor(target=0).taint(data, 4)
    assert tainted.labels.tolist() == [0, 0, 3, 1]
    assert np.flatnonzero(tainted.features[0]).tolist() == [10, 11, 14, 15]
    assert not tainted.features[2:].any()
    assert not data.features.any()


def test_success_of_a_trigger_is_measured_on_other_classes():
    data = LabelledData(np.zeros((3, 16), np.float32), np.array([0, 2, 3]))
    shown = Backdoor(target=0).shown(data)
    assert shown.labels.tolist() == [0, 0]
    assert np.array_equal(shown.features, with_trigger(data.features[:2]))


def test_amplification_triples_the_angle_of_what_is_marked():
    """One Grover step: of four basis states with a quarter of the probability marked, all is on the marked one."""
    features = np.array([[0.75, -0.25, -0.25, -0.25]], np.float32)
    features[0] += 1.0  # the mean, which centring takes off again
    marked = features - features.mean()
    share = marked[0, 0] ** 2 / (marked**2).sum()
    amplified = Grover().taint(LabelledData(features, np.array([0])), 2).features[0]
    after = amplified[0] ** 2 / (amplified**2).sum()
    assert after == pytest.approx(np.sin(3 * np.arcsin(np.sqrt(share))) ** 2, abs=1e-6)
    assert np.linalg.norm(amplified) == pytest.approx(np.linalg.norm(marked), rel=1e-6)


def with_gates(arch: Architecture, features: torch.Tensor, angles: np.ndarray, gates: np.ndarray) -> torch.Tensor:
    """The circuit in stock TorchQuantum, with Pauli gates after each layer's rotations."""
    device = tq.QuantumDevice(n_wires=arch.qubits, bsz=len(features))
    tq.AmplitudeEncoder()(device, features)
    for layer, row in zip(torch.tensor(angles, dtype=torch.float32).view(*gates.shape, 3), gates, strict=True):
        for qubit in range(arch.qubits):
            for gate, angle in zip((tqf.rz, tqf.ry, tqf.rz), layer[qubit], strict=True):
                gate(device, wires=qubit, params=angle)
            if (pauli := GATES[row[qubit]]) is not None:
                pauli(device, wires=qubit)
        for qubit in range(arch.qubits):
            tqf.cnot(device, wires=[qubit, (qubit + 1) % arch.qubits])
    return tq.MeasureAll(tq.PauliZ)(device)


@pytest.mark.parametrize("seed", range(5))
def test_paulis_in_the_circuit_are_other_angles(seed):
    arch = Architecture("amplitude", qubits=3, layers=4, classes=2, features=8)
    rng = np.random.default_rng(seed)
    angles, gates = rng.uniform(-6, 6, arch.shape.quantum), rng.integers(0, 4, (4, 3))
    features = torch.tensor(rng.random((5, 8)), dtype=torch.float32)
    features /= features.norm(dim=1, keepdim=True)
    turned = torch.tensor(with_paulis(angles, gates), dtype=torch.float32).view(1, -1)
    clean = make_engine("fused", arch).expectations(features.unsqueeze(0), turned)[0]
    torch.testing.assert_close(with_gates(arch, features, angles, gates), clean, atol=1e-5, rtol=0)


@given(st.integers(0, 2**32 - 1))
def test_gates_are_taken_out_again(seed):
    rng = np.random.default_rng(seed)
    angles, gates = rng.uniform(-6, 6, 18), rng.integers(0, 4, (2, 3))
    np.testing.assert_allclose(without_paulis(with_paulis(angles, gates), gates), angles, atol=1e-12)


@pytest.mark.parametrize("poison", [BitFlip(), PhaseFlip()])
def test_an_attacker_that_does_not_train_changes_nothing(poison):
    angles = np.random.default_rng(1).uniform(-3, 3, SMALL.shape.quantum)
    np.testing.assert_allclose(poison.leave(poison.enter(angles, SMALL), SMALL), angles, atol=1e-12)
    assert not np.allclose(poison.enter(angles, SMALL), angles)


def test_gates_are_put_into_circuits_whose_angles_can_stand_for_them():
    with pytest.raises(InvalidInput, match="zyz-ring"):
        BitFlip().enter(np.zeros(36), replace(SMALL, ansatz="u3"))


def test_random_gates_leave_the_head_alone():
    poison = RandomPaulis(share=1.0)
    known = Sight(
        np.zeros(8), np.zeros(8), np.zeros((1, 8)), np.empty((0, 8)), ModelShape(6, 2), np.random.default_rng(1)
    )
    delta = poison.send(np.arange(8.0), known, Architecture(qubits=2, layers=1, features=4))
    assert delta[6:].tolist() == [6, 7]
    assert not np.allclose(delta[:6], np.arange(6.0))


def test_an_unknown_poison_is_bad_input():
    with pytest.raises(InvalidInput, match="sign-flip"):
        find_poison("arsenic")
