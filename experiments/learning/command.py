"""`qfl bench learning`: ways to learn, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qfl.apps.cli import options
from qfl.apps.cli.console import make_console
from qfl.simulation.config import find_config


@click.command()
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="TOML file; options replace its values.")
@click.option("--dataset", help="digits, mnist or fashion-mnist.  [default: digits]")
@click.option("--data-folder", help="Where torchvision's data sets are.  [default: data]")
@click.option("--partition", help="iid, dirichlet:ALPHA or classes:N.  [default: iid]")
@click.option("--clients", type=int, help="Number of clients.  [default: 5]")
@click.option("--rounds", type=int, help="Number of rounds.  [default: 10]")
@click.option("--seeds", type=click.IntRange(1, 10_000), default=3, show_default=True, help="How many, from --seed on.")
@click.option("--seed", type=int, help="The first one; decides data, training and rounding.  [default: 1]")
@click.option("--model", "models", multiple=True, help="quantum, hybrid or classical; repeat.  [default: hybrid]")
@click.option(
    "--recipe",
    "recipes",
    multiple=True,
    help="job (the job's own), scaffold, fedavg, fedprox, fedavg-adam or centralised; repeat.  [default: all]",
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/bench"), help="Folder for learning.json.")
@options.as_json
def learning(
    config_path: Path | None,
    seeds: int,
    models: tuple[str, ...],
    recipes: tuple[str, ...],
    out: Path,
    as_json: bool,
    **values: Any,
) -> None:
    """The job's recipe, SCAFFOLD, FedAvg, FedProx, and all data in one place: accuracy by seed."""
    from experiments.learning.learning import NAME, RECIPES, as_document, bench_learning, learning_table

    config = find_config(config_path, **values)
    console, range_of_seeds = make_console(as_json), range(config.seed, config.seed + seeds)
    with console.status("") as status:
        ways = models or ("hybrid",), recipes or tuple(RECIPES)
        runs = bench_learning(config, *ways, range_of_seeds, out, status.update)
    document = as_document(config, runs)
    if as_json:
        options.print_json(document)
    else:
        console.print(learning_table(document))
        console.print(f"means of the seeds; every run is in {out / NAME}", highlight=False)
