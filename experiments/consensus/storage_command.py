"""`qfl bench storage`: disk over a long run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qfl.apps.cli import numbers, options
from qfl.apps.cli.console import make_console
from qfl.simulation.config import JobConfig, load_config

LONG_RUN = JobConfig(
    clients=20,
    validators=8,
    rounds=50,
    central_epochs=0,
    training={"steps": 1},
    protocol={"shards": 2},
)
"""Many rounds of little work: what is measured is what they leave."""


@click.command()
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="TOML file; options replace its values.")
@click.option("--clients", type=int, help=f"Number of clients.  [default: {LONG_RUN.clients}]")
@click.option("--rounds", type=int, help=f"Number of rounds.  [default: {LONG_RUN.rounds}]")
@click.option("--keep-rounds", type=numbers.ROUNDS, default=3, help="Final rounds whose content the one run keeps.")
@click.option("--seed", type=int, help="Decides data, training and rounding.  [default: 1]")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/bench-storage"), help="Folder of both runs.")
@click.option("--overwrite", is_flag=True, help="Delete the runs in --out first.")
@options.as_json
def storage(
    config_path: Path | None, keep_rounds: int, out: Path, overwrite: bool, as_json: bool, **values: Any
) -> None:
    """Disk of every node, round by round, keeping everything and keeping a window of final rounds."""
    from experiments.consensus.storage import as_document, bench_storage, storage_table

    config = (load_config(config_path) if config_path else LONG_RUN).with_options(**values)
    console = make_console(as_json)
    found = bench_storage(config, keep_rounds, out, console, overwrite)
    if as_json:
        options.print_json(as_document(found))
    else:
        console.print(storage_table(found))
        console.print(f"both runs, and these figures as JSON, are in {out}", highlight=False)
