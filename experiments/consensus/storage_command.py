"""`qfl bench storage`: disk over a long run."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.console import make_console, print_result
from qfl.apps.cli import numbers, options
from qfl.apps.cli.job import job
from qfl.simulation.config import JobConfig

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
@job("clients rounds seed", base=LONG_RUN)
@click.option("--keep-rounds", type=numbers.ROUNDS, default=3, help="Final rounds whose content the one run keeps.")
@click.option("--out", type=options.PATH, default=Path("runs/bench-storage"), help="Folder of both runs.")
@click.option("--overwrite", is_flag=True, help="Delete the runs in --out first.")
@options.as_json
def storage(config: JobConfig, keep_rounds: int, *, out: Path, overwrite: bool, as_json: bool) -> None:
    """Disk of every node, round by round, keeping everything and keeping a window of final rounds."""
    from experiments.consensus.storage import as_document, bench_storage, storage_table

    found = bench_storage(config, keep_rounds, out, make_console(as_json), overwrite)
    if as_json:
        options.print_json(as_document(found))
    else:
        print_result(found, as_json, storage_table, note=f"both runs, and these figures as JSON, are in {out}")
