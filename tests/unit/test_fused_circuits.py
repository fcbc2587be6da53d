"""Any circuit, fused: against stock TorchQuantum on random ones, against finite differences, and by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from qfl.errors import InvalidInput
from qfl.quantum.circuit import Circuit, Constant, Feature, Operation, Trainable, every_z
from qfl.quantum.engine.program import Program
from qfl.quantum.engine.stock import StockEngine
from qfl.quantum.gates import GATES

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


def _run(engine: Program | StockEngine, circuit: Circuit, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
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
        fused, stock = (_run(engine(circuit), circuit, seed) for engine in (Program, StockEngine))
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
    for ours, theirs in zip(_run(Program(circuit), circuit, 0), _run(StockEngine(circuit), circuit, 0), strict=True):
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
