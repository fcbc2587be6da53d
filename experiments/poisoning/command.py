"""`qfl bench attack`: what poisoning clients do to a model, and what is left of it behind each defence."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click

from experiments.console import make_console
from qfl.apps.cli import numbers, options
from qfl.errors import InvalidInput
from qfl.simulation.config import JobConfig


@click.command()
@click.option("--clients", type=click.IntRange(2, 256), default=10, help="Number of clients.")
@click.option("--rounds", type=numbers.ROUNDS, default=10, help="Rounds of each run.")
@click.option("--partition", "partitions", multiple=True, default=("dirichlet:0.5", "iid"))
@click.option(
    "--percent",
    "percents",
    type=click.IntRange(1, 50),
    multiple=True,
    default=(10, 20, 30, 40),
    help="Share of attackers.",
)
@click.option("--poison", "poisons", multiple=True, help="An attack, by its name in docs/results/robustness.md; all.")
@click.option("--seeds", type=click.IntRange(1, 10_000), default=3, help="Runs of each, with successive seeds.")
@click.option("--seed", type=numbers.SEED, default=1, help="The first seed.")
@click.option(
    "--validation-percent",
    type=click.IntRange(1, 50),
    default=20,
    help="Share of the training data that the four validators hold.",
)
@click.option("--brief", is_flag=True, help="Averaging and the judgement only.")
@click.option("--peer", help="flower=PYTHON, an environment with flwr: adds its Multi-Krum, compares its other rules.")
@click.option("--out", type=options.PATH, default=Path("runs/bench"), help="Folder for attack.json.")
@options.as_json
def attack(
    clients: int,
    rounds: int,
    partitions: tuple[str, ...],
    percents: tuple[int, ...],
    poisons: tuple[str, ...],
    seeds: int,
    seed: int,
    validation_percent: int,
    brief: bool,
    peer: str | None,
    out: Path,
    as_json: bool,
) -> None:
    """Poisoning clients behind averaging, trimmed mean, median and a committee that judges, on the digits.

    All of it takes hours on one processor; name a --percent and a --partition for a part.
    """
    from experiments.poisoning.flower import Flower
    from experiments.poisoning.registry import POISONS
    from experiments.poisoning.sweep import NAME, attack_tables, bench_attack

    config = JobConfig(clients=clients, rounds=rounds, validation_percent=validation_percent, seed=seed)
    console = make_console(as_json)
    name, _, python = (peer or "").partition("=")
    if peer is not None and (name != "flower" or not python):
        raise InvalidInput("peer", peer, "give flower=PYTHON")
    with console.status("") as status, Flower(python) if peer else nullcontext() as flower:
        chosen = poisons or tuple(POISONS)
        results = bench_attack(config, out, partitions, percents, chosen, seeds, status.update, flower, brief)
    if as_json:
        options.print_json(results)
    else:
        for table in attack_tables(results):
            console.print(table)
        if flower is not None:
            apart = results["flower"]
            console.print(
                f"Flower's trimmed mean and median of a round's updates: {apart['trimmed']:.4f} and "
                f"{apart['median']:.4f} lanes from ours at most (ours are rounded to 1/256)"
            )
        console.print(f"means and standard deviations over seeds; more is in {out / NAME}", highlight=False)
