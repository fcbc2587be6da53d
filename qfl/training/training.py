"""Training, evaluation, the worth of updates: numpy in, numpy out; one client or many in a batch, by the same code."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from qfl.errors import InvalidInput, NotFinite
from qfl.protocol.types import TrainingResult
from qfl.quantum.architecture import Architecture, require_circuit
from qfl.quantum.circuit import build_circuit
from qfl.quantum.config import DeviceConfig
from qfl.quantum.engine.device import DeviceEngine
from qfl.quantum.engine.engine import Engine
from qfl.training.controls import Controls
from qfl.training.data.datasets import LabelledData
from qfl.training.model import QuantumClassifier, initial_perceptron
from qfl.training.recipe import Recipe, TrainingConfig, scale_rate

EVALUATION_BATCH = 512
TINY = 1e-12


@dataclass(frozen=True)
class Evaluation:
    """The task's score (`accuracy`, in [0, 1]), its mean `loss`, and the `predictions` (int64 `[n]`) behind them."""

    accuracy: float
    loss: float
    predictions: NDArray[np.int64]


def initial_parameters(arch: Architecture, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Parameters to start from: angles uniform in [-pi, pi), weights as the task has them."""
    rng = np.random.default_rng(seed)
    if arch.is_classical:
        return np.zeros(0), initial_perceptron(arch, rng)
    return rng.uniform(-np.pi, np.pi, arch.shape.quantum), arch.purpose.initial_weights(arch, rng)


def train_clients(
    arch: Architecture,
    angles: NDArray[np.float64],
    weights: NDArray[np.float64],
    datasets: Sequence[LabelledData],
    config: TrainingConfig,
    seeds: Sequence[int],
    controls: Sequence[Controls] | None = None,
    device: DeviceConfig | None = None,
) -> list[TrainingResult]:
    """Train every client from the same base model, each on its own data, in one thread.

    A client's result depends on the base, its data, its seed, its controls and `config` alone: training it by itself
    gives the same numbers up to floating-point rounding. On a device its shots depend on all the seeds.

    Args:
        angles: base, `[quantum]` radians. weights: base, `[classical]`.
        seeds: one per client, deciding which samples each step sees; vary it by round.
        controls: one per client, for `config.control_variates`.
        device: what runs the circuits, forward and shifted, instead of `config.engine`.

    Raises:
        InvalidInput: no clients, data that does not fit `arch`, or a device for a model without a circuit.
        NotFinite: training diverged; the index is the client's.
    """
    if not datasets or len(seeds) != len(datasets):
        remedy = f"give one for each client, and at least one; {len(datasets)} data sets"
        raise InvalidInput("seeds", len(seeds), remedy)
    for data in datasets:
        _check_fits(arch, data)
    engine = _choose_engine(arch, config.engine, device, int(np.random.SeedSequence(seeds).generate_state(1)[0]))
    model = QuantumClassifier(arch, angles, weights, clients=len(datasets), engine=engine, dtype=config.dtype)
    batches = draw_batches([len(data.labels) for data in datasets], config.steps, config.batch_size, seeds)
    pool = _Pool(datasets)
    recipe = config.recipe(model, config, controls)
    with one_thread():
        for batch in batches:
            _step(model, recipe, pool, batch)
    return [TrainingResult(*model.parameters_of(client)) for client in range(len(datasets))]


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread while this lasts.

    Several threads may add up in another order on a machine with other processors, and the matrices of a few qubits
    are so small that a second thread costs more than it brings.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def train_centrally(
    arch: Architecture,
    angles: NDArray[np.float64],
    weights: NDArray[np.float64],
    data: LabelledData,
    config: TrainingConfig,
    epochs: int,
    seed: int,
    test: LabelledData,
) -> list[Evaluation]:
    """The comparison: one party with all the data, the same model, optimiser and schedule, evaluated at each epoch.

    `config.steps` is not used: an epoch is one pass over `data`. The learning rate falls epoch by epoch as it
    does for clients round by round, and the optimiser keeps its state.

    Raises:
        InvalidInput: data that does not fit `arch`, or no epochs.
        NotFinite: training diverged.
    """
    if epochs < 1:
        raise InvalidInput("epochs", epochs, "must be at least 1")
    _check_fits(arch, data)
    _check_fits(arch, test)
    model = QuantumClassifier(arch, angles, weights, engine=config.engine, dtype=config.dtype)
    steps = math.ceil(len(data.labels) / config.batch_size)
    batches = draw_batches([len(data.labels)], epochs * steps, config.batch_size, [seed])
    pool = _Pool([data])
    recipe = config.recipe(model, config)
    evaluations = []
    for epoch, epoch_batches in enumerate(batches.view(epochs, steps, 1, config.batch_size)):
        recipe.set_rate(config.learning_rate * scale_rate(epoch / epochs))
        for batch in epoch_batches:
            _step(model, recipe, pool, batch)
        evaluations.append(_evaluate(model, test))
    return evaluations


def evaluate(
    arch: Architecture,
    angles: NDArray[np.float64],
    weights: NDArray[np.float64],
    data: LabelledData,
    engine: str = "fused",
    device: DeviceConfig | None = None,
    seed: int = 0,
) -> Evaluation:
    """How well a model does on `data`; with a `device`, as on that one instead of `engine`, shots drawn by `seed`.

    Raises:
        InvalidInput: data that does not fit `arch`, or a device for a model without a circuit.
        NotFinite: the model's output on sample `index` is NaN or infinite.
    """
    _check_fits(arch, data)
    chosen = _choose_engine(arch, engine, device, seed)
    return _evaluate(QuantumClassifier(arch, angles, weights, engine=chosen), data)


@dataclass(frozen=True)
class Quality:
    """Of `n` updates, in their order.

    Attributes:
        gains: float64 `[n]`, nats a sample: the loss of the base less that of base and update, as the task finds fair
            (`Task.fair_losses`). Below zero is harm.
        agreements: float64 `[n]`, in [-1, 1]: the cosine between an update and what training on the data changes
            (FLTrust: Cao et al. 2021, arXiv:2012.13995, section 4).
    """

    gains: NDArray[np.float64]
    agreements: NDArray[np.float64]


def assess_updates(
    arch: Architecture,
    angles: NDArray[np.float64],
    weights: NDArray[np.float64],
    deltas: Sequence[NDArray[np.float64]],
    data: LabelledData,
    own: NDArray[np.float64],
) -> Quality:
    """Judge updates by `data`, and by what training on it changes (`own`, `[d]`).

    The base has `angles` (`[quantum]`, radians) and `weights` (`[classical]`); `deltas` (`[d]`) are their changes.
    """
    moves = np.stack([np.zeros_like(own), *deltas])
    lengths = np.linalg.norm(moves[1:], axis=1) * np.linalg.norm(own)
    with one_thread(), torch.no_grad():
        model = QuantumClassifier(arch, angles, weights, clients=len(moves))
        steps = torch.from_numpy(moves).to(model.angles.dtype)
        model.angles.add_(steps[:, : arch.shape.quantum])
        model.weights.add_(steps[:, arch.shape.quantum :])
        outputs = model(torch.from_numpy(data.features).expand(len(moves), -1, -1))
        losses = model.task.fair_losses(outputs, torch.from_numpy(data.labels)).double().numpy()
    return Quality(losses[0] - losses[1:], moves[1:] @ own / np.maximum(lengths, TINY))


def try_on_device(
    arch: Architecture,
    angles: NDArray[np.float64],
    weights: NDArray[np.float64],
    data: LabelledData,
    device: DeviceConfig,
    repetitions: int,
    seed: int,
) -> dict[str, Any]:
    """Evaluate a model on `data` so many times as on `device`; `seed` decides all shots and errors.

    As JSON: accuracies and losses, their means and standard deviations (0 of a single one), and the device.

    Raises:
        InvalidInput: no repetitions, data that does not fit `arch`, or a model without a circuit.
        NotFinite: as `evaluate`.
    """
    if repetitions < 1:
        raise InvalidInput("repetitions", repetitions, "must be at least 1")
    seeds = np.random.SeedSequence(seed).generate_state(repetitions)
    found = [evaluate(arch, angles, weights, data, device=device, seed=int(own)) for own in seeds]
    accuracy, loss = _spread([one.accuracy for one in found]), _spread([one.loss for one in found])
    return {**asdict(device), "repetitions": repetitions, "accuracy": accuracy, "loss": loss}


def _spread(values: Sequence[float]) -> dict[str, Any]:
    deviation = stdev(values) if len(values) > 1 else 0.0
    return {"mean": fmean(values), "deviation": deviation, "values": list(values)}


def _choose_engine(arch: Architecture, name: str, device: DeviceConfig | None, seed: int) -> str | Engine:
    if device is None:
        return name
    require_circuit(arch)
    return DeviceEngine(build_circuit(arch), device, seed)


def draw_batches(sizes: Sequence[int], steps: int, batch_size: int, seeds: Sequence[int]) -> torch.Tensor:
    """Sample numbers `[steps, clients, batch_size]`, client `c`'s in [0, sizes[c]).

    Each client reads its own data as an endless row of shuffled passes, cut into batches. So clients with
    different amounts of data step together without padding, and a client's row depends on its own size and seed
    only.
    """
    rows = []
    for size, seed in zip(sizes, seeds, strict=True):
        generator = torch.Generator().manual_seed(seed)
        passes = math.ceil(steps * batch_size / size)
        row = torch.cat([torch.randperm(size, generator=generator) for _ in range(passes)])
        rows.append(row[: steps * batch_size].view(steps, batch_size))
    return torch.stack(rows, dim=1)


class _Pool:
    """All clients' samples end to end, so that one gather makes a batch for everybody."""

    def __init__(self, datasets: Sequence[LabelledData]) -> None:
        self._features = torch.from_numpy(np.concatenate([data.features for data in datasets]))
        self._labels = torch.from_numpy(np.concatenate([data.labels for data in datasets]))
        sizes = [len(data.labels) for data in datasets]
        self._starts = torch.tensor(np.cumsum([0, *sizes[:-1]])).unsqueeze(1)

    def take(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Features and labels of `batch`, each client's own sample numbers `[clients, batch]`."""
        index = batch + self._starts
        return self._features[index], self._labels[index]


def _step(model: QuantumClassifier, recipe: Recipe, pool: _Pool, batch: torch.Tensor) -> None:
    features, labels = pool.take(batch)

    def losses() -> torch.Tensor:
        found = model.task.losses(model(features), labels).mean(1)
        _check_finite("training loss", found)
        return found

    recipe.step(losses)


@torch.no_grad()
def _evaluate(model: QuantumClassifier, data: LabelledData) -> Evaluation:
    features = torch.from_numpy(data.features).unsqueeze(0)
    starts = range(0, len(data.labels), EVALUATION_BATCH)
    outputs = torch.cat([model(features[:, start : start + EVALUATION_BATCH]) for start in starts], dim=1)
    labels = torch.from_numpy(data.labels)
    losses, predictions = model.task.losses(outputs, labels.unsqueeze(0))[0], model.task.predict(outputs)[0]
    _check_finite("evaluation loss", losses)
    return Evaluation(model.task.score(predictions, labels), float(losses.mean()), predictions.numpy())


def _check_finite(what: str, losses: torch.Tensor) -> None:
    """Raise NotFinite with the first index, where a loss is NaN or infinite."""
    if not torch.isfinite(losses).all():
        raise NotFinite(what, int(torch.isfinite(losses).int().argmin()))


def _check_fits(arch: Architecture, data: LabelledData) -> None:
    if data.features.shape[1] != arch.features:
        remedy = f"the model takes {arch.features}: load the data with that many"
        raise InvalidInput("features", data.features.shape[1], remedy)
    if data.labels.max() >= arch.classes:
        raise InvalidInput("labels", int(data.labels.max()), f"the model has classes 0 to {arch.classes - 1}")
