"""Circuits as on a device: estimates scatter about values worked out by hand, shifted runs give the engine's gradient.

Generators are seeded, so nothing here is left to chance; bounds are five standard errors wide.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from qfl.errors import InvalidInput
from qfl.protocol.types import RoundNumber, TrainingTask
from qfl.quantum.architecture import Architecture
from qfl.quantum.circuit import Circuit, Feature, Operation, Trainable
from qfl.quantum.config import DeviceConfig
from qfl.quantum.engine.device import DeviceEngine, group_settings
from qfl.quantum.engine.program import Program
from qfl.simulation.config import JobConfig
from qfl.simulation.prepare import clients_device
from qfl.training.data.datasets import LabelledData
from qfl.training.job import JobDocument
from qfl.training.recipe import TrainingConfig
from qfl.training.trainer import LocalTrainer
from qfl.training.training import evaluate, initial_parameters, try_on_device

ANGLE = 0.7
EXACT = DeviceConfig(shots=None)
NOTHING = torch.zeros(1, 1, 0)
TURNED = Circuit(1, (Operation("ry", (0,), (Trainable(0),)),), ("Z", "X"), slots=1)
BELL = Circuit(2, (Operation("h", (0,)), Operation("cnot", (0, 1))), ("XX", "YY", "ZZ", "ZI"), slots=0)


def _estimates(circuit: Circuit, config: DeviceConfig, seed: int = 1) -> list[float]:
    engine = DeviceEngine(circuit, config, seed)
    slots = torch.full((1, circuit.slots), ANGLE, dtype=torch.float64)
    return engine.expectations(NOTHING, slots)[0, 0].tolist()


def test_shots_scatter_about_the_expectation() -> None:
    shots, runs = 100, 400
    engine = DeviceEngine(TURNED, DeviceConfig(shots), seed=3)
    found = engine.expectations(torch.zeros(runs, 1, 0), torch.full((runs, 1), ANGLE))[:, 0]
    for estimates, exact in zip(found.T, (math.cos(ANGLE), math.sin(ANGLE)), strict=True):
        deviation = math.sqrt((1 - exact**2) / shots)
        assert float(estimates.mean()) == pytest.approx(exact, abs=5 * deviation / math.sqrt(runs))
        assert float(estimates.std()) == pytest.approx(deviation, rel=0.2)


def test_same_generator_same_shots() -> None:
    config = DeviceConfig(64, one_wire_error=0.1)
    assert _estimates(TURNED, config) == _estimates(TURNED, config) != _estimates(TURNED, config, seed=2)


def test_entangled_strings_are_read_in_settings_of_their_own() -> None:
    assert group_settings(BELL.observables) == [("XX", [0]), ("YY", [1]), ("ZZ", [2, 3])]
    correlated = _estimates(BELL, DeviceConfig(1000))
    assert correlated[:3] == [1, -1, 1]  # every single shot
    assert abs(correlated[3]) < 5 / math.sqrt(1000)


def test_depolarising_shrinks_expectations_gate_by_gate() -> None:
    # Z: one gate. X: RY, then the H of the basis change.
    trajectories, error = 4_000, 0.2
    found = _estimates(TURNED, DeviceConfig(None, one_wire_error=error, trajectories=trajectories))
    bound = 5 / math.sqrt(trajectories)
    assert found == pytest.approx([(1 - error) * math.cos(ANGLE), (1 - error) ** 2 * math.sin(ANGLE)], abs=bound)


def test_a_gate_on_two_wires_depolarises_both_together() -> None:
    # Of 16 Pauli strings half keep ZZ and half turn it: it survives with 1 - p, as YY and XX do.
    trajectories, error = 4_000, 0.3
    found = _estimates(BELL, DeviceConfig(None, many_wire_error=error, trajectories=trajectories))
    assert found == pytest.approx([1 - error, error - 1, 1 - error, 0], abs=5 / math.sqrt(trajectories))


def test_readout_errors_by_hand() -> None:
    # P(0) = cos^2(angle / 2). Z read: P(0) (1 - 2a) - P(1) (1 - 2b).
    zero = math.cos(ANGLE / 2) ** 2
    config = DeviceConfig(None, zero_as_one=0.1, one_as_zero=0.3)
    exact = zero * 0.8 - (1 - zero) * 0.4
    assert _estimates(TURNED, config)[0] == pytest.approx(exact)
    assert _estimates(TURNED, replace(config, shots=40_000))[0] == pytest.approx(exact, abs=5 / 200)


def test_shots_that_trajectories_cannot_share_evenly_all_count_alike() -> None:
    # Every shot reads 1: any other weight would show.
    flipped = Circuit(1, (Operation("x", (0,)),), ("Z",), slots=0)
    for shots in (1, 31, 33, 100):
        config = DeviceConfig(shots, many_wire_error=1.0, trajectories=32)
        assert config.draws == min(32, shots)
        assert _estimates(flipped, config) == pytest.approx([-1])


def _mixed() -> Circuit:
    """Every kind of rule; one number used three times, with scales; data between."""
    return Circuit(
        3,
        (
            Operation("rx", (0,), (Trainable(0),)),
            Operation("u3", (1,), (Trainable(1), Trainable(2), Trainable(0, -0.5, 0.2))),
            Operation("ry", (2,), (Feature(0, math.pi),)),
            Operation("crx", (0, 1), (Trainable(1, 2.0),)),
            Operation("cu3", (1, 2), (Trainable(3), Trainable(2), Trainable(0))),
            Operation("crot", (2, 0), (Trainable(3), Trainable(4), Trainable(1))),
            Operation("rzx", (0, 2), (Trainable(4),)),
            Operation("cu1", (2, 1), (Trainable(2),)),
        ),
        ("ZII", "XYZ", "IIY"),
        slots=5,
        features=1,
    )


def test_shifted_runs_give_the_gradient_of_the_engine() -> None:
    random = torch.Generator().manual_seed(5)
    features = torch.rand(2, 3, 1, generator=random, dtype=torch.float64)
    start = torch.rand(2, 5, generator=random, dtype=torch.float64)
    weights = torch.randn(2, 3, 3, generator=random, dtype=torch.float64)
    outputs, gradients = [], []
    for engine in (DeviceEngine(_mixed(), EXACT), Program(_mixed())):
        slots = start.clone().requires_grad_()
        output = engine.expectations(features, slots)
        (output * weights).sum().backward()
        assert slots.grad is not None
        outputs.append(output.detach())
        gradients.append(slots.grad)
    torch.testing.assert_close(*outputs, atol=1e-10, rtol=0)
    torch.testing.assert_close(*gradients, atol=1e-10, rtol=0)


def test_gradient_from_shots_is_near_the_exact_one() -> None:
    slots = torch.tensor([[ANGLE]], requires_grad=True)
    shots = 10_000
    DeviceEngine(replace(TURNED, observables=("Z",)), DeviceConfig(shots)).expectations(NOTHING, slots).sum().backward()
    assert slots.grad is not None
    assert float(slots.grad) == pytest.approx(-math.sin(ANGLE), abs=5 / math.sqrt(2 * shots))


def test_a_model_is_evaluated_as_on_a_device() -> None:
    arch = Architecture("amplitude", 3, 2, 2, features=8)
    model = initial_parameters(arch, 1)
    rng = np.random.default_rng(1)
    data = LabelledData(rng.random((20, 8), dtype=np.float32), rng.integers(0, 2, 20))
    exact = evaluate(arch, *model, data)
    assert evaluate(arch, *model, data, device=EXACT).loss == pytest.approx(exact.loss, rel=1e-4)
    noisy = DeviceConfig(320, many_wire_error=1.0, one_wire_error=1.0)
    assert evaluate(arch, *model, data, device=noisy).loss != pytest.approx(exact.loss, rel=1e-2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shots": 0}, "shots = 0"),
        ({"shots": 1.5}, "shots = 1.5: must be a whole number"),
        ({"one_as_zero": 1.5}, "one_as_zero = 1.5"),
        ({"trajectories": 0}, "trajectories = 0"),
    ],
)
def test_refuses_impossible_devices(settings: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        DeviceConfig(**settings)  # type: ignore[arg-type]  # wrong values are what is tried


def test_a_model_without_a_circuit_is_not_evaluated_on_a_device() -> None:
    """What would come back is the exact result, and would pass for a device's."""
    arch = Architecture(encoding="angle", qubits=2, layers=2, classes=2, features=2, ansatz="classical")
    data = LabelledData(np.zeros((3, 2), np.float32), np.zeros(3, np.int64))
    with pytest.raises(InvalidInput, match="has no circuit for a device"):
        evaluate(arch, *initial_parameters(arch, 1), data, device=DeviceConfig(shots=10))


# --- a job's table [device] ---


MODEL = Architecture(encoding="angle", qubits=2, layers=1, classes=2, head=False, features=2)
RECIPE = TrainingConfig(steps=8, batch_size=16)
NOISY = {"shots": 64, "one_wire_error": 0.001, "many_wire_error": 0.01, "zero_as_one": 0.02, "one_as_zero": 0.05}


def _data() -> LabelledData:
    """Two classes that one feature tells apart."""
    x = np.random.default_rng(3).random((80, 2))
    return LabelledData(x.astype(np.float32), (x[:, 0] > 0.5).astype(np.int64))


def _train(device: DeviceConfig | None) -> tuple[np.ndarray, np.ndarray]:
    task = TrainingTask(*initial_parameters(MODEL, 1), seed=5, round=RoundNumber(1))
    (trained,) = LocalTrainer(JobDocument(MODEL, RECIPE, rounds=1), [_data()], device).train([task], [0])
    return trained.angles, trained.weights


def test_clients_learn_from_shots_alone() -> None:
    before = evaluate(MODEL, *initial_parameters(MODEL, 1), _data()).loss
    device = clients_device(JobConfig(device=NOISY), JobDocument(MODEL, RECIPE, rounds=1))
    on_device, exactly = _train(device), _train(None)
    assert evaluate(MODEL, *on_device, _data()).loss < 0.9 * before
    assert not np.array_equal(on_device[0], exactly[0])
    np.testing.assert_array_equal(on_device[0], _train(device)[0], err_msg="the seed decides the shots")


def test_repetitions_scatter_about_the_exact_result() -> None:
    model = initial_parameters(MODEL, 1)
    trial = try_on_device(MODEL, *model, _data(), DeviceConfig(shots=20), repetitions=6, seed=1)
    losses = trial["loss"]
    assert (trial["repetitions"], trial["shots"], len(set(losses["values"]))) == (6, 20, 6)
    assert losses["deviation"] == pytest.approx(np.std(losses["values"], ddof=1))
    many = try_on_device(MODEL, *model, _data(), DeviceConfig(shots=20_000), repetitions=1, seed=1)
    assert many["loss"]["mean"] == pytest.approx(evaluate(MODEL, *model, _data()).loss, rel=0.02)
    assert many["loss"]["deviation"] == 0


@pytest.mark.parametrize(
    ("device", "job", "message"),
    [
        ({"shot": 10}, JobDocument(MODEL, RECIPE, 1), "device.shot = 10: unknown; known are shots, one_wire_error"),
        ({"shots": -1}, JobDocument(MODEL, RECIPE, 1), "shots = -1: must be a whole number"),
        ({"zero_as_one": "0.1"}, JobDocument(MODEL, RECIPE, 1), "must be a number from 0 to 1"),
        (NOISY, JobDocument(Architecture(ansatz="classical"), RECIPE, 1), "has no circuit for a device"),
        (NOISY, JobDocument(MODEL, TrainingConfig(engine="torchquantum"), 1), "a device runs in place of an engine"),
    ],
)
def test_what_cannot_be_a_device_is_refused(device: dict[str, Any], job: JobDocument, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        clients_device(JobConfig(device=device), job)


def test_no_table_is_no_device() -> None:
    assert clients_device(JobConfig(), JobDocument(MODEL, RECIPE, 1)) is None
