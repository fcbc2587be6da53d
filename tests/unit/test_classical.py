"""The classical control learns by the same code as a quantum model, and its parameters travel as weights."""

from __future__ import annotations

import numpy as np
import pytest

from qfl.quantum.architecture import Architecture
from qfl.training.data.datasets import LabelledData
from qfl.training.recipe import TrainingConfig
from qfl.training.training import evaluate, initial_parameters, train_clients


@pytest.mark.parametrize("ansatz", ["classical", "hardware-efficient", "strongly-entangling", "u3"])
def test_every_ansatz_learns_which_feature_is_larger(ansatz: str) -> None:
    arch = Architecture("amplitude", qubits=2, layers=4, classes=2, features=2, ansatz=ansatz)
    features = np.random.default_rng(1).random((200, 2)).astype(np.float32)
    data = LabelledData(features, (features[:, 0] > features[:, 1]).astype(np.int64))
    angles, weights = initial_parameters(arch, seed=3)
    assert (angles.size, weights.size) == (arch.shape.quantum, arch.shape.classical)
    (trained,) = train_clients(arch, angles, weights, [data], TrainingConfig(steps=150, learning_rate=0.05), [1])
    assert evaluate(arch, trained.angles, trained.weights, data).accuracy > 0.9
