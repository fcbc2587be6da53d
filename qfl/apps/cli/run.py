"""`qfl run`: the whole job in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console

from qfl.apps.cli import options
from qfl.apps.cli.job import job
from qfl.errors import InvalidInput
from qfl.simulation.config import JobConfig


@click.command()
@job(
    "clients validators rounds dataset data_folder download partition validation_percent lane_bits exponents seed "
    "chain mode quorum executor churn newcomers stragglers links adaptive_deadlines shards seats shard_chains "
    "keep_rounds challenger"
)
@click.option("--out", "folder", type=options.PATH, default=Path("runs/latest"), help="Run folder.")
@click.option("--resume", is_flag=True, help="Take up the run in --out where it stopped.")
@options.overwrite
@options.zk_keys
@click.option("--rpc", metavar="URL", help="Use the chain that runs there.")
@click.option(
    "--shard-rpc", "shard_rpcs", metavar="URL", multiple=True, help="With --rpc: the shards' own chains, in order."
)
@click.option("--ipfs", metavar="ADDRESS", help="Use the IPFS node that runs there.")
@click.option("--account", metavar="SOURCE", help="One account that pays for everybody; see `qfl deploy --help`.")
@click.option("--real-time", is_flag=True, help="Wait for deadlines instead of moving a development chain's clock.")
@click.option(
    "--explorer",
    metavar="[PORT]",
    type=click.IntRange(0, 65535),
    is_flag=False,
    flag_value=8550,
    help="Show the run in a browser while it lasts, on port 8550 unless given; a free one if it is taken, or 0.",
)
@click.option("--plots/--no-plots", default=True, help="Write PNG plots.")
def run(config: JobConfig, folder: Path, account: str | None, plots: bool, **place: Any) -> None:
    """Train a quantum neural network with several clients, every update on chain."""
    from qfl import Display, Place, run_job
    from qfl.apps.report.figures import write_plots
    from qfl.chain.rpc.accounts import load_account
    from qfl.simulation.tables import print_tables

    if place["shard_rpcs"] and place["rpc"] is None:
        raise InvalidInput("shard-rpc", list(place["shard_rpcs"]), "pass --rpc with the beacon's chain, too")
    payer = load_account(account) if account else None
    console = Console()
    with Display(console, config.rounds) as display:
        try:
            report = run_job(config, Place(folder, account=payer, **place), display)
        except KeyboardInterrupt:
            console.print(f"stopped; `qfl run --out {folder} --resume` with the same options goes on from here")
            raise
    print_tables(console, report)
    if plots and report["rounds"]:
        write_plots(folder, report)
    console.print(f"report, event log, model and plots are in {folder}", highlight=False)
    if place["explorer"] is not None:
        console.print(f"`qfl explorer --run {folder}` shows it again", highlight=False, soft_wrap=True)
