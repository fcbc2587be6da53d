"""`qfl bench attack`: what poisoning clients do to a model, and what is left of it behind each defence."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from qfl.cli import options
from qfl.config import JobConfig


@click.command()
@click.option("--clients", type=click.IntRange(2, 256), default=10, show_default=True, help="Number of clients.")
@click.option("--rounds", type=click.IntRange(1), default=10, show_default=True, help="Rounds of each run.")
@click.option("--partition", "partitions", multiple=True, default=("dirichlet:0.5", "iid"), show_default=True)
@click.option(
    "--percent",
    "percents",
    type=click.IntRange(1, 50),
    multiple=True,
    default=(10, 20, 30, 40),
    show_default=True,
    help="Share of attackers.",
)
@click.option("--poison", "poisons", multiple=True, help="An attack, by its name in docs/robustness.md; all.")
@click.option(
    "--seeds", type=click.IntRange(1), default=3, show_default=True, help="Runs of each, with seeds 1, 2, ..."
)
@click.option(
    "--validation-percent",
    type=click.IntRange(1, 50),
    default=20,
    show_default=True,
    help="Share of the training data that the four validators hold.",
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/bench"), help="Folder for attack.json.")
@options.as_json
def attack(
    clients: int,
    rounds: int,
    partitions: tuple[str, ...],
    percents: tuple[int, ...],
    poisons: tuple[str, ...],
    seeds: int,
    validation_percent: int,
    out: Path,
    as_json: bool,
) -> None:
    """Poisoning clients behind averaging, trimmed mean, median and the full defence, on the digits.

    All of it takes hours on one processor; name a --percent and a --partition for a part.
    """
    from qfl.attacks.poison.registry import POISONS
    from qfl.bench.attack import NAME, attack_tables, bench_attack

    config = JobConfig(clients=clients, rounds=rounds, validation_percent=validation_percent)
    console = Console(stderr=as_json)
    with console.status("") as status:
        results = bench_attack(config, out, partitions, percents, poisons or tuple(POISONS), seeds, status.update)
    if as_json:
        options.print_json(results)
    else:
        for table in attack_tables(results):
            console.print(table)
        console.print(f"means and standard deviations over seeds; more is in {out / NAME}", highlight=False)
