"""Control variates: clients with nothing in common train towards what is best for all of them."""

import numpy as np
import pytest

from qfl.protocol.recompute import model_content
from qfl.protocol.state import ANGLE_UNIT, WEIGHT_UNIT, step_between
from qfl.protocol.types import ModelShape, RoundNumber
from qfl.quantum.architecture import Architecture
from qfl.training.controls import Controls
from qfl.training.data.datasets import LabelledData
from qfl.training.recipe import TrainingConfig
from qfl.training.training import evaluate, initial_parameters, train_clients

ARCH = Architecture("amplitude", qubits=3, layers=2, classes=3, features=8)
RECIPE = TrainingConfig(steps=20, batch_size=8, learning_rate=0.03, dtype="float64")


def parts(count):
    """Each client has one class only."""
    rng = np.random.default_rng(3)
    patterns = rng.random((count, 8))
    return [
        LabelledData(patterns[label] + 0.1 * rng.random((24, 8)), np.full(24, label, np.int64))
        for label in range(count)
    ]


def train(base, data, seeds, controls):
    """What each client's training changed, `[clients, d]`."""
    results = train_clients(ARCH, *base, data, RECIPE, seeds, controls)
    return [flat(result.angles, result.weights) - flat(*base) for result in results]


def spread(steps):
    """Mean distance of the clients' steps to their mean."""
    return np.mean(np.linalg.norm(steps - np.mean(steps, axis=0), axis=1))


def flat(angles, weights):
    return np.concatenate([angles, weights])


def test_reach_is_what_a_steady_gradient_moves():
    """Momentum 0.5 from rest: 0.5, 0.75, 0.875 of the learning rate."""
    assert TrainingConfig(steps=3, learning_rate=0.1, momentum=0.5).reach == pytest.approx(0.2125)
    assert TrainingConfig(steps=3, learning_rate=0.1, momentum=0.0).reach == pytest.approx(0.3)


def test_own_variates_of_all_clients_average_to_the_common_one():
    """So corrections cancel in the mean of the updates, and what all clients need stays."""
    data, base = parts(3), initial_parameters(ARCH, 1)
    controls = [Controls.none(ARCH.shape.total)] * 3
    for seed in range(3):
        steps = train(base, data, [seed, seed + 10, seed + 20], controls)
        own = [control.advanced(step, RECIPE.reach) for control, step in zip(controls, steps, strict=True)]
        mean = np.mean(steps, axis=0)
        controls = [Controls.after(mean, RECIPE.reach, variate) for variate in own]
        np.testing.assert_allclose(np.mean(own, axis=0), controls[0].common, atol=1e-9)
        assert np.abs(own[0] - own[1]).max() > 0.01
        base = (base[0] + mean[: ARCH.shape.quantum], base[1] + mean[ARCH.shape.quantum :])


def test_own_variate_is_the_mean_gradient_of_the_own_data():
    """Without correction and momentum: what was walked, over how far a gradient of 1 would have walked."""
    recipe = TrainingConfig(steps=1, batch_size=24, learning_rate=1e-3, momentum=0.0, dtype="float64")
    base, [data] = initial_parameters(ARCH, 1), parts(1)
    [result] = train_clients(ARCH, *base, [data], recipe, [1], [Controls.none(ARCH.shape.total)])
    own = Controls.none(ARCH.shape.total).advanced(flat(result.angles, result.weights) - flat(*base), recipe.reach)
    ahead, behind = base[0].copy(), base[0].copy()
    ahead[4] += 1e-3
    behind[4] -= 1e-3
    slope = (evaluate(ARCH, ahead, base[1], data).loss - evaluate(ARCH, behind, base[1], data).loss) / 2e-3
    assert own[4] == pytest.approx(slope, abs=1e-3)


def test_clients_with_nothing_in_common_go_the_same_way():
    """Without correction each goes for a model that always says its own class."""
    data, base, seeds = parts(3), initial_parameters(ARCH, 1), [4, 5, 6]
    first = train(base, data, [1, 2, 3], [Controls.none(ARCH.shape.total)] * 3)
    mean = np.mean(first, axis=0)
    own = [Controls.none(ARCH.shape.total).advanced(step, RECIPE.reach) for step in first]
    base = (base[0] + mean[: ARCH.shape.quantum], base[1] + mean[ARCH.shape.quantum :])
    alone = train(base, data, seeds, None)
    corrected = train(base, data, seeds, [Controls.after(mean, RECIPE.reach, variate) for variate in own])
    assert spread(corrected) < spread(alone) / 2
    assert spread(corrected) < np.linalg.norm(np.mean(corrected, axis=0)) < spread(alone)


def test_a_newcomer_follows_its_own_gradients():
    controls = Controls.after(np.array([0.5, -1.0]), 2.0, None)
    assert controls.common.tolist() == controls.own.tolist() == [-0.25, 0.5]


def test_step_between_models_is_in_radians_and_weights_and_the_short_way_round():
    shape = ModelShape(2, 1)
    lanes = ([2**31 - 5, 0, 0], [-(2**31) + 5, 2**20, 2**22])
    before, after = (model_content(RoundNumber(1), np.array(row, np.int32), shape) for row in lanes)
    assert step_between(before, after) == pytest.approx([10 * ANGLE_UNIT, 2**20 * ANGLE_UNIT, 2**22 * WEIGHT_UNIT])
