"""Ways to learn in a federation, on the same data, from the same models, in as many rounds.

Each run is the learning of a real job (`federation.py`: lanes and integer rule included), from the same first model,
with the same shares and the same number of steps; only the recipe differs. The centralised run has all the data in one
place, and its epochs instead of rounds.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from rich.table import Table

from experiments.figures import save, spread
from experiments.jobs import changed
from experiments.learning.federation import Federation
from qfl.errors import InvalidInput
from qfl.protocol.state import from_state
from qfl.simulation.config import JobConfig
from qfl.simulation.prepare import prepare_job

NAME = "learning.json"
CENTRAL = "centralised"
LOCAL = {"control_variates": False}
RECIPES: Mapping[str, Mapping[str, Any]] = {
    "job": {},
    "scaffold": {"momentum": 0.0},
    "fedavg": LOCAL,
    "fedprox": {**LOCAL, "proximal": 0.1},
    "fedavg-adam": {**LOCAL, "optimiser": "adam", "learning_rate": 0.03},
    CENTRAL: LOCAL,
}
"""What each recipe replaces in the job's own: SCAFFOLD as it was published has no momentum; FedAvg (McMahan et al.
2017, arXiv:1602.05629) is what is left without control variates, here with momentum and with Adam."""
MODELS: Mapping[str, Mapping[str, Any]] = {
    "quantum": {"head": False},
    "hybrid": {"head": True},
    "classical": {"ansatz": "classical"},
}
"""What each model replaces in the job's: without a head, scaled Z expectations are the logits; the classical control
is a perceptron of as many parameters."""
EVALUATED = 5
"""Rounds from one evaluation to the next; the last round is always evaluated."""


@dataclass(frozen=True)
class Learnt:
    """One run: `accuracy` in [0, 1] of the last model, `by_round` of earlier ones too (epochs, if centralised)."""

    model: str
    recipe: str
    seed: int
    accuracy: float
    loss: float
    by_round: Mapping[int, float]
    seconds: float


def bench_learning(
    config: JobConfig,
    models: Sequence[str],
    recipes: Sequence[str],
    seeds: Iterable[int],
    folder: Path,
    announce: Callable[[str], None],
) -> list[Learnt]:
    """Run every recipe with every model and seed; `<folder>/learning.json` grows run by run.

    Raises:
        InvalidInput: a name that is not in `MODELS` or `RECIPES`, or a model that does not fit the data.
        NotFinite: training diverged.
    """
    for what, names, known in (("model", models, MODELS), ("recipe", recipes, RECIPES)):
        for name in names:
            if name not in known:
                raise InvalidInput(what, name, f"choose one of {', '.join(known)}")
    runs: list[Learnt] = []
    for seed in seeds:
        for model in models:
            for recipe in recipes:
                announce(f"{model}, {recipe}, seed {seed}")
                runs.append(learn(config, model, recipe, seed))
                save(folder / NAME, as_document(config, runs))
    return runs


def learn(config: JobConfig, model: str, recipe: str, seed: int) -> Learnt:
    """One run. Raises as `bench_learning`."""
    job = changed(config, {"seed": seed, "model": MODELS[model], "training": RECIPES[recipe]})
    begun = time.perf_counter()
    by_round, loss = _learn_centrally(job) if recipe == CENTRAL else _learn_together(job)
    seconds = time.perf_counter() - begun
    return Learnt(model, recipe, seed, by_round[max(by_round)], loss, by_round, round(seconds, 1))


def _learn_together(config: JobConfig) -> tuple[dict[int, float], float]:
    """Accuracy by round, and the last model's loss."""
    from qfl.training.training import evaluate

    job, dataset, shares = prepare_job(config)
    federation, by_round, loss = Federation(config, job, shares), {}, 0.0
    for number in range(1, config.rounds + 1):
        published = federation.step()
        if number % EVALUATED == 0 or number == config.rounds:
            parameters = from_state(published.model.lanes, published.model.shape)
            found = evaluate(job.architecture, *parameters, dataset.test)
            by_round[number], loss = found.accuracy, found.loss
    return by_round, loss


def _learn_centrally(config: JobConfig) -> tuple[dict[int, float], float]:
    """Accuracy by epoch, and the last model's loss."""
    from qfl.training.training import initial_parameters, train_centrally

    job, dataset, _ = prepare_job(config)
    start = initial_parameters(job.architecture, config.seed)
    evaluations = train_centrally(
        job.architecture,
        *start,
        data=dataset.train,
        config=job.training,
        epochs=config.central_epochs,
        seed=config.seed,
        test=dataset.test,
    )
    return {epoch: found.accuracy for epoch, found in enumerate(evaluations, 1)}, evaluations[-1].loss


def as_document(config: JobConfig, runs: Sequence[Learnt]) -> dict[str, Any]:
    """The job, what each way came to, and every run."""
    ways = dict.fromkeys((run.model, run.recipe) for run in runs)
    return {
        "config": asdict(config),
        "summary": [summarise([run for run in runs if (run.model, run.recipe) == way]) for way in ways],
        "runs": [asdict(run) for run in runs],
    }


def summarise(runs: Sequence[Learnt]) -> dict[str, Any]:
    """Mean, least and most of the seeds' accuracies, and the mean seconds of a run."""
    return {
        "model": runs[0].model,
        "recipe": runs[0].recipe,
        "seeds": [run.seed for run in runs],
        "accuracy": spread([run.accuracy for run in runs], mean),
        "seconds": round(mean(run.seconds for run in runs), 1),
    }


def learning_table(document: Mapping[str, Any]) -> Table:
    """A line for each model and recipe."""
    config = document["config"]
    table = Table("model", "recipe", "accuracy, %", "least to most", "seeds", "seconds a run")
    table.title = f"{config['dataset']}, {config['partition']}, {config['clients']} clients, {config['rounds']} rounds"
    for line in document["summary"]:
        accuracy = {name: f"{value:.1%}".rstrip("%") for name, value in line["accuracy"].items()}
        spread = f"{accuracy['least']} to {accuracy['most']}"
        seeds = ", ".join(map(str, line["seeds"]))
        table.add_row(line["model"], line["recipe"], accuracy["mean"], spread, seeds, f"{line['seconds']:.0f}")
    return table
