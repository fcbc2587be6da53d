"""Training: what a client's result depends on, that it learns, and what stops it."""

import numpy as np
import pytest

from qfl.errors import InvalidInput, NotFinite
from qfl.protocol.types import RoundNumber, TrainingResult, TrainingTask
from qfl.quantum.architecture import Architecture
from qfl.training.data.datasets import LabelledData, load_dataset
from qfl.training.data.partition import partition
from qfl.training.job import JobDocument
from qfl.training.recipe import TrainingConfig
from qfl.training.trainer import BATCH_CLIENTS, LocalTrainer, cut
from qfl.training.training import (
    draw_batches,
    evaluate,
    initial_parameters,
    train_centrally,
    train_clients,
)

SMALL = Architecture("amplitude", qubits=3, layers=2, classes=3, features=8)
SHORT = TrainingConfig(steps=4, batch_size=8)


def _data(samples: int, seed: int, arch: Architecture = SMALL) -> LabelledData:
    rng = np.random.default_rng(seed)
    return LabelledData(rng.random((samples, arch.features), np.float32), rng.integers(0, arch.classes, samples))


def _assert_same(one: TrainingResult, other: TrainingResult) -> None:
    np.testing.assert_allclose(one.angles, other.angles, atol=1e-5)
    np.testing.assert_allclose(one.weights, other.weights, atol=1e-5)


@pytest.mark.parametrize("engine", ["fused", "torchquantum"])
def test_a_client_trains_the_same_alone_as_among_others(engine: str) -> None:
    config = TrainingConfig(steps=3, batch_size=8, engine=engine)
    base = initial_parameters(SMALL, 1)
    datasets = [_data(samples, samples) for samples in (3, 40, 11, 8, 25)]
    seeds = [5, 6, 7, 8, 9]
    together = train_clients(SMALL, *base, datasets, config, seeds)
    for data, seed, result in zip(datasets, seeds, together, strict=True):
        [alone] = train_clients(SMALL, *base, [data], config, [seed])
        _assert_same(alone, result)


def test_training_is_a_function_of_the_seed() -> None:
    base, data = initial_parameters(SMALL, 1), _data(30, 2)
    first, again, other = (train_clients(SMALL, *base, [data], SHORT, [seed])[0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.angles, again.angles)
    assert not np.allclose(first.angles, other.angles, atol=1e-6)


def test_parameters_come_back_as_float64_of_the_model_shape() -> None:
    [result] = train_clients(SMALL, *initial_parameters(SMALL, 1), [_data(9, 1)], SHORT, [1])
    assert (result.angles.shape, result.angles.dtype) == ((18,), np.float64)
    assert (result.weights.shape, result.weights.dtype) == ((12,), np.float64)


def test_batches_pass_over_all_data_before_repeating() -> None:
    batches = draw_batches([10, 3], steps=5, batch_size=4, seeds=[1, 1])
    assert batches.shape == (5, 2, 4)
    long, short = batches[:, 0].flatten().tolist(), batches[:, 1].flatten().tolist()
    assert sorted(long[:10]) == sorted(long[10:]) == list(range(10))
    assert all(sorted(short[start : start + 3]) == [0, 1, 2] for start in range(0, 18, 3))


def test_initial_parameters_depend_on_the_seed_and_have_no_bias() -> None:
    angles, weights = initial_parameters(Architecture(), 1)
    assert np.abs(angles).max() <= np.pi
    assert not weights[60:].any()
    np.testing.assert_array_equal(angles, initial_parameters(Architecture(), 1)[0])
    assert not np.array_equal(angles, initial_parameters(Architecture(), 2)[0])


def test_three_rounds_of_averaging_learn_the_digits() -> None:
    arch, digits = Architecture(), load_dataset("digits")
    parts = [digits.train.take(part) for part in partition(digits.train.labels, 3, "iid", 0)]
    angles, weights = initial_parameters(arch, 0)
    before = evaluate(arch, angles, weights, digits.test)
    for number in range(1, 4):
        config = TrainingConfig(steps=30).in_round(number, 3)
        results = train_clients(arch, angles, weights, parts, config, [10 * number + client for client in range(3)])
        angles = np.mean([result.angles for result in results], axis=0)
        weights = np.mean([result.weights for result in results], axis=0)
    after = evaluate(arch, angles, weights, digits.test)
    assert before.accuracy < 0.3
    assert after.accuracy > 0.85
    assert after.loss < before.loss


def test_central_training_reports_every_epoch_and_improves() -> None:
    arch, digits = Architecture(layers=8), load_dataset("digits", limit=600)
    start = initial_parameters(arch, 0)
    epochs = train_centrally(arch, *start, digits.train, TrainingConfig(), 5, 0, digits.test)
    assert len(epochs) == 5
    assert epochs[-1].accuracy > max(0.7, epochs[0].accuracy)


def test_evaluation_counts_correct_predictions() -> None:
    data = _data(50, 3)
    result = evaluate(SMALL, *initial_parameters(SMALL, 1), data)
    assert result.predictions.shape == (50,)
    assert result.accuracy == np.mean(result.predictions == data.labels)


def test_zero_weights_give_the_loss_of_a_guess() -> None:
    result = evaluate(SMALL, np.zeros(18), np.zeros(12), _data(10, 3))
    assert result.loss == pytest.approx(np.log(3), abs=1e-6)


def test_evaluation_in_chunks_is_evaluation_of_all() -> None:
    data, base = _data(600, 3), initial_parameters(SMALL, 1)
    halves = [evaluate(SMALL, *base, data.take(np.arange(start, start + 300))) for start in (0, 300)]
    whole = evaluate(SMALL, *base, data)
    assert whole.loss == pytest.approx((halves[0].loss + halves[1].loss) / 2, abs=1e-5)


def test_proximal_term_keeps_clients_near_the_base() -> None:
    base, data = initial_parameters(SMALL, 1), _data(20, 2)
    free, held = (
        train_clients(SMALL, *base, [data], TrainingConfig(steps=20, proximal=pull), [4])[0] for pull in (0.0, 3.0)
    )
    assert np.linalg.norm(held.angles - base[0]) < np.linalg.norm(free.angles - base[0]) / 2


def test_one_batch_weighs_no_more_than_another() -> None:
    """Momentum begins at rest: the first of three steps must not decide where the other two go."""
    base, data = initial_parameters(SMALL, 1), _data(8, 2)
    recipes = [TrainingConfig(steps=steps, batch_size=8, learning_rate=0.001) for steps in (1, 3)]
    moved = [train_clients(SMALL, *base, [data], recipe, [4])[0].angles - base[0] for recipe in recipes]
    # The same samples each time, and a rate so small that the gradient stays: 0.1 against 0.1 + 0.19 + 0.271.
    np.testing.assert_allclose(moved[1], 5.61 * moved[0], atol=2e-6)


def test_divergence_stops_training() -> None:
    with pytest.raises(NotFinite, match="lower the learning rate"):
        train_clients(SMALL, np.zeros(18), np.full(12, 3e38), [_data(9, 1)], SHORT, [1])


def test_angles_that_no_outcome_depends_on_stay_put() -> None:
    # RZ after the last RY is a phase, and the CNOT ring only permutes: its gradient is rounding noise.
    angles, weights = initial_parameters(SMALL, 1)
    [result] = train_clients(SMALL, angles, weights, [_data(20, 2)], SHORT, [4])
    moved = np.abs(result.angles - angles).reshape(SMALL.layers, SMALL.qubits, 3)
    assert moved[-1, :, 2].max() < 1e-3
    assert moved[0].mean() > 1e-2


def test_a_model_that_is_nan_is_not_evaluated() -> None:
    with pytest.raises(NotFinite):
        evaluate(SMALL, np.full(18, np.nan), np.zeros(12), _data(5, 1))


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"steps": 0}, "steps"),
        ({"steps": 1.5}, "steps"),
        ({"batch_size": 0}, "batch_size"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": 11}, "learning_rate"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"optimiser": "newton"}, "optimiser"),
        ({"momentum": 1}, "momentum"),
        ({"momentum": float("nan")}, "momentum"),
        ({"proximal": -0.1}, "proximal"),
        ({"sent_share": 0.0}, "sent_share"),
        ({"sent_share": 1.5}, "sent_share"),
        ({"privacy_noise": 1.0}, "privacy_clip"),
        ({"privacy_clip": 1.0}, "privacy_noise"),
        ({"privacy_clip": -1.0}, "privacy_clip"),
        ({"control_variates": 1}, "control_variates"),
        ({"optimiser": "adam"}, "control_variates"),
        ({"engine": "qiskit"}, "engine"),
        ({"dtype": "int8"}, "dtype"),
    ],
)
def test_config_refuses(settings: dict[str, object], name: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{name} = "):
        TrainingConfig(**settings)  # type: ignore[arg-type]  # wrong values are what is tried


def test_refuses_data_that_does_not_fit_the_model() -> None:
    base = initial_parameters(SMALL, 1)
    wide = LabelledData(np.ones((4, 9)), np.zeros(4, np.int64))
    strange = LabelledData(np.ones((4, 8)), np.array([0, 1, 2, 3]))
    with pytest.raises(InvalidInput, match="the model takes 8"):
        train_clients(SMALL, *base, [wide], SHORT, [1])
    with pytest.raises(InvalidInput, match="classes 0 to 2"):
        evaluate(SMALL, *base, strange)


def test_refuses_clients_without_seeds_and_no_clients() -> None:
    base = initial_parameters(SMALL, 1)
    with pytest.raises(InvalidInput, match="seeds"):
        train_clients(SMALL, *base, [_data(4, 1)], SHORT, [1, 2])
    with pytest.raises(InvalidInput, match="seeds"):
        train_clients(SMALL, *base, [], SHORT, [])
    with pytest.raises(InvalidInput, match="epochs"):
        train_centrally(SMALL, *base, _data(4, 1), SHORT, 0, 1, _data(4, 2))


# --- batches ---


@pytest.mark.parametrize("clients", [0, 1, BATCH_CLIENTS, BATCH_CLIENTS + 1, 5 * BATCH_CLIENTS - 1])
def test_every_client_is_in_one_batch_in_its_order(clients: int) -> None:
    assert [client for batch in cut(clients) for client in range(clients)[batch]] == list(range(clients))
    assert all(0 < batch.stop - batch.start <= BATCH_CLIENTS for batch in cut(clients))


def test_a_client_of_a_later_batch_that_diverges_is_named_by_its_place_among_all() -> None:
    """The round leaves that client out and trains the others again: the wrong one must not go."""
    arch = Architecture(encoding="angle", qubits=2, layers=1, classes=2, features=4)
    job = JobDocument(arch, TrainingConfig(steps=1, batch_size=2), rounds=1)
    good = LabelledData(np.ones((2, 4), np.float32), np.array([0, 1]))
    bad = LabelledData(np.full((2, 4), 3e38, np.float32), np.array([0, 1]))
    clients = BATCH_CLIENTS + 3
    data = dict.fromkeys(range(clients), good) | {clients - 1: bad}
    shape = arch.shape
    task = TrainingTask(np.zeros(shape.quantum), np.zeros(shape.classical), 1, RoundNumber(1))
    with pytest.raises(NotFinite) as caught:
        LocalTrainer(job, data).train([task] * clients, list(range(clients)))
    assert caught.value.index == clients - 1


@pytest.mark.parametrize("ansatz", ["classical", "hardware-efficient", "strongly-entangling", "u3"])
def test_every_ansatz_learns_which_feature_is_larger(ansatz: str) -> None:
    arch = Architecture("amplitude", qubits=2, layers=4, classes=2, features=2, ansatz=ansatz)
    features = np.random.default_rng(1).random((200, 2)).astype(np.float32)
    data = LabelledData(features, (features[:, 0] > features[:, 1]).astype(np.int64))
    angles, weights = initial_parameters(arch, seed=3)
    assert (angles.size, weights.size) == (arch.shape.quantum, arch.shape.classical)
    (trained,) = train_clients(arch, angles, weights, [data], TrainingConfig(steps=150, learning_rate=0.05), [1])
    assert evaluate(arch, trained.angles, trained.weights, data).accuracy > 0.9
