"""A job's table `[device]`: its clients train by shots and shifted runs; what has no circuit, or a typo, is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from qfl.errors import InvalidInput
from qfl.protocol.types import RoundNumber, TrainingTask
from qfl.quantum.architecture import Architecture
from qfl.quantum.config import DeviceConfig
from qfl.simulation.config import JobConfig
from qfl.simulation.prepare import clients_device
from qfl.training.data.datasets import LabelledData
from qfl.training.job import JobDocument
from qfl.training.recipe import TrainingConfig
from qfl.training.trainer import LocalTrainer
from qfl.training.training import evaluate, initial_parameters, try_on_device

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
