"""`qfl bench learning`: ways to learn, side by side."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.console import make_console, print_result
from qfl.apps.cli import options
from qfl.apps.cli.job import job
from qfl.simulation.config import JobConfig


@click.command()
@job(
    "dataset data_folder partition clients rounds seed",
    seed="The first one; decides data, training and rounding.  [default: {0.seed}]",
)
@click.option("--seeds", type=click.IntRange(1, 10_000), default=3, help="How many, from --seed on.")
@click.option("--model", "models", multiple=True, help="quantum, hybrid or classical; repeat.  [default: hybrid]")
@click.option(
    "--recipe",
    "recipes",
    multiple=True,
    help="job (the job's own), scaffold, fedavg, fedprox, fedavg-adam or centralised; repeat.  [default: all]",
)
@click.option("--out", type=options.PATH, default=Path("runs/bench"), help="Folder for learning.json.")
@options.as_json
def learning(
    config: JobConfig, *, seeds: int, models: tuple[str, ...], recipes: tuple[str, ...], out: Path, as_json: bool
) -> None:
    """The job's recipe, SCAFFOLD, FedAvg, FedProx, and all data in one place: accuracy by seed."""
    from experiments.learning.learning import NAME, RECIPES, as_document, bench_learning, learning_table

    range_of_seeds = range(config.seed, config.seed + seeds)
    with make_console(as_json).status("") as status:
        ways = models or ("hybrid",), recipes or tuple(RECIPES)
        runs = bench_learning(config, *ways, range_of_seeds, out, status.update)
    document = as_document(config, runs)
    print_result(document, as_json, learning_table, note=f"means of the seeds; every run is in {out / NAME}")
