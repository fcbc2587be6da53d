"""`qfl bench explorer`: how the explorer fares over a long history."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from qfl.apps.cli import numbers, options


@click.command("explorer")
@click.option("--rounds", type=numbers.ROUNDS, default=500, help="Rounds of the history.")
@click.option("--transactions", type=numbers.COUNT, default=20_000, help="All of them together.")
@click.option("--out", type=options.PATH, default=Path("runs/bench-explorer"), help="Folder of the chain.")
@click.option("--overwrite", is_flag=True, help="Delete the chain in --out first.")
@options.as_json
def explorer_bench(rounds: int, transactions: int, out: Path, overwrite: bool, as_json: bool) -> None:
    """The explorer over a long history: its first page, the time to read everything, its memory."""
    from dataclasses import asdict

    from experiments.consensus.explorer import bench_explorer, explorer_table

    console = Console(stderr=as_json)
    with console.status("") as status:
        figures = bench_explorer(out, rounds, transactions, status.update, overwrite)
    if as_json:
        options.print_json(asdict(figures))
    else:
        console.print(explorer_table(figures))
        console.print(f"these figures are in {out}", highlight=False)
