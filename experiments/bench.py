"""`qfl bench`: measured comparisons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from experiments.consensus.command import consensus, engine, scale
from experiments.consensus.explorer_command import explorer_bench
from experiments.consensus.storage_command import storage
from experiments.learning.bytes_command import bytes_sent
from experiments.learning.command import learning
from experiments.poisoning.command import attack
from experiments.scale.energy_command import energy
from qfl.apps.cli import options
from qfl.apps.cli.console import make_console
from qfl.simulation.config import find_config, load_config


@click.group()
def bench() -> None:
    """Run a job in different ways, and compare."""


for command in (attack, bytes_sent, consensus, energy, engine, explorer_bench, learning, scale, storage):
    bench.add_command(command)


@bench.command()
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="TOML file; options replace its values.")
@click.option("--clients", type=int, help="Number of clients.  [default: 5]")
@click.option("--validators", type=int, help="Number of validators.  [default: 4]")
@click.option("--rounds", type=int, help="Number of rounds.  [default: 10]")
@click.option("--seed", type=int, help="Decides data, training and rounding.  [default: 1]")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/bench-modes"), help="Folder of both runs.")
@click.option("--overwrite", is_flag=True, help="Delete the runs in --out first.")
@options.zk_keys
@options.as_json
def modes(
    config_path: Path | None,
    out: Path,
    overwrite: bool,
    zk_keys: Path | None,
    as_json: bool,
    **values: Any,
) -> None:
    """The transparent and the private mode side by side: accuracy, seconds, bytes, gas."""
    from experiments.consensus.modes import bench_modes, modes_table
    from qfl.simulation.display import Display

    config = find_config(config_path, **values)
    console = make_console(as_json)

    def make_display(mode: str) -> Display:
        console.print(f"{mode} mode", highlight=False)
        return Display(console, config.rounds)

    results = bench_modes(config, out, zk_keys, make_display, overwrite)
    if as_json:
        options.print_json(results)
    else:
        console.print(modes_table(results))
        console.print(f"both runs, and these figures as JSON, are in {out}", highlight=False)


@bench.command()
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=Path("scripts/jobs/chaos.toml"),
    help="TOML file with [dynamics].",
)
@click.option("--rounds", type=int, help="Number of rounds; the file's unless given.")
@click.option("--seed", type=int, help="Decides data, training and what befalls whom; the file's unless given.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/bench-chaos"), help="Folder of both runs.")
@click.option("--overwrite", is_flag=True, help="Delete the runs in --out first.")
@options.as_json
def chaos(config_path: Path, out: Path, overwrite: bool, as_json: bool, **values: Any) -> None:
    """A calm run beside one with churn, stragglers, silence and outages: accuracy, rounds, stakes."""
    from experiments.consensus.chaos import bench_chaos, chaos_table
    from qfl.simulation.display import Display

    config = load_config(config_path).with_options(**values)
    console = make_console(as_json)

    def make_display(name: str) -> Display:
        console.print(f"{name} run", highlight=False)
        return Display(console, config.rounds)

    results = bench_chaos(config, out, make_display, overwrite)
    if as_json:
        options.print_json(results)
    else:
        console.print(chaos_table(results))
        console.print(f"both runs, and these figures as JSON, are in {out}", highlight=False)
