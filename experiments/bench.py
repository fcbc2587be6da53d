"""`qfl bench`: measured comparisons."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from experiments.consensus.command import consensus, engine, scale
from experiments.consensus.explorer_command import explorer_bench
from experiments.consensus.storage_command import storage
from experiments.console import make_console, print_result
from experiments.learning.bytes_command import bytes_sent
from experiments.learning.command import learning
from experiments.poisoning.command import attack
from experiments.scale.energy_command import energy
from qfl.apps.cli import options
from qfl.apps.cli.job import job
from qfl.simulation.config import JobConfig

if TYPE_CHECKING:
    from rich.console import Console

    from qfl.simulation.display import Display


overwrite = click.option("--overwrite", is_flag=True, help="Delete the runs in --out first.")


@click.group()
def bench() -> None:
    """Run a job in different ways, and compare."""


for command in (attack, bytes_sent, consensus, energy, engine, explorer_bench, learning, scale, storage):
    bench.add_command(command)


@bench.command()
@job("clients validators rounds seed")
@click.option("--out", type=options.PATH, default=Path("runs/bench-modes"), help="Folder of both runs.")
@overwrite
@options.zk_keys
@options.as_json
def modes(config: JobConfig, out: Path, *, overwrite: bool, zk_keys: Path | None, as_json: bool) -> None:
    """The transparent and the private mode side by side: accuracy, seconds, bytes, gas."""
    from experiments.consensus.modes import bench_modes, modes_table

    make_display = _displays(make_console(as_json), "{} mode", config.rounds)
    results = bench_modes(config, out, zk_keys, make_display, overwrite)
    print_result(results, as_json, modes_table, note=f"both runs, and these figures as JSON, are in {out}")


@bench.command()
@job(
    "rounds seed",
    base=Path("scripts/jobs/chaos.toml"),
    config_path="TOML file with [dynamics].",
    rounds="Number of rounds; the file's unless given.",
    seed="Decides data, training and what befalls whom; the file's unless given.",
)
@click.option("--out", type=options.PATH, default=Path("runs/bench-chaos"), help="Folder of both runs.")
@overwrite
@options.as_json
def chaos(config: JobConfig, out: Path, *, overwrite: bool, as_json: bool) -> None:
    """A calm run beside one with churn, stragglers, silence and outages: accuracy, rounds, stakes."""
    from experiments.consensus.chaos import bench_chaos, chaos_table

    make_display = _displays(make_console(as_json), "{} run", config.rounds)
    results = bench_chaos(config, out, make_display, overwrite)
    print_result(results, as_json, chaos_table, note=f"both runs, and these figures as JSON, are in {out}")


def _displays(console: Console, title: str, rounds: int) -> Callable[[str], Display]:
    """What makes the display of a run by the run's name."""
    from qfl.simulation.display import Display

    def make(name: str) -> Display:
        console.print(title.format(name), highlight=False)
        return Display(console, rounds)

    return make
