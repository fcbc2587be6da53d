"""`qfl run`: the whole job in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console

from qfl.apps.cli.options import Named, zk_keys
from qfl.quorum.quorum import SCHEMES
from qfl.simulation.config import CHAINS, EXECUTORS, EXPONENTS, JobConfig, load_config
from qfl.training.job import MODES

DYNAMICS = ("churn", "newcomers", "stragglers", "links", "adaptive_deadlines")
"""Options that replace values of the table `[dynamics]`."""
SIZES = ("shards", "seats")
"""Options that replace values of the table `[protocol]`."""


@click.command()
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="TOML file; options replace its values.")
@click.option("--clients", type=int, help="Number of clients.  [default: 5]")
@click.option("--validators", type=int, help="Number of validators.  [default: 4]")
@click.option("--rounds", type=int, help="Number of rounds.  [default: 10]")
@click.option("--dataset", help="digits, mnist or fashion-mnist.  [default: digits]")
@click.option("--data-folder", help="Where torchvision's data sets are.  [default: data]")
@click.option("--download", is_flag=True, default=None, help="Download the data set into --data-folder.")
@click.option("--partition", help="iid, dirichlet:ALPHA or classes:N.  [default: iid]")
@click.option("--validation-percent", type=int, help="Training data that validators judge by, %.  [default: 0]")
@click.option("--lane-bits", type=click.Choice(["4", "8", "16"]), help="Width of an update's lanes.  [default: 16]")
@click.option("--exponents", type=click.Choice(EXPONENTS), help="Where lanes' exponents come from.  [default: preset]")
@click.option("--seed", type=int, help="Decides data, training and rounding.  [default: 1]")
@click.option("--chain", type=click.Choice(CHAINS), help="The chain to start.  [default: anvil]")
@click.option("--mode", type=click.Choice(MODES), help="Who can read updates.  [default: transparent]")
@click.option("--quorum", type=Named(SCHEMES), help="How committees sign.  [default: lms]")
@click.option("--executor", type=click.Choice(EXECUTORS), help="Where clients train.  [default: local]")
@click.option("--churn", type=float, help="Share of the clients that go before each round.  [default: 0]")
@click.option("--newcomers", type=int, help="Clients that may join in mid-run.  [default: 0]")
@click.option("--stragglers", type=float, help="Share of the clients that straggle in a round.  [default: 0]")
@click.option(
    "--link",
    "links",
    multiple=True,
    help="A link that clients have, of `simulation/faults/links.toml`; repeat.",
)
@click.option("--adaptive-deadlines", is_flag=True, default=None, help="Set deadlines by what rounds took.")
@click.option("--shards", type=int, help="Number of shards.  [default: 1]")
@click.option("--seats", type=int, help="Seats of each shard's committee.  [default: 4]")
@click.option("--shard-chains", is_flag=True, default=None, help="Give each shard a chain of its own.")
@click.option("--keep-rounds", type=int, help="Keep this many final rounds' content; 0: all.  [default: 0]")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/latest"), help="Run folder.")
@click.option("--resume", is_flag=True, help="Take up the run in --out where it stopped.")
@click.option("--overwrite", is_flag=True, help="Delete the run in --out first.")
@zk_keys
@click.option("--rpc", metavar="URL", help="Use the chain that runs there.")
@click.option(
    "--shard-rpc", "shard_rpcs", metavar="URL", multiple=True, help="With --rpc: the shards' own chains, in order."
)
@click.option("--ipfs", metavar="ADDRESS", help="Use the IPFS node that runs there.")
@click.option("--account", metavar="SOURCE", help="One account that pays for everybody; see `qfl deploy --help`.")
@click.option("--real-time", is_flag=True, help="Wait for deadlines instead of moving a development chain's clock.")
@click.option("--challenger/--no-challenger", default=None, help="Prove what is false.  [default: challenger]")
@click.option(
    "--explorer",
    metavar="[PORT]",
    type=click.IntRange(0, 65535),
    is_flag=False,
    flag_value=8550,
    help="Show the run in a browser while it lasts, on port 8550 unless given; a free one if it is taken, or 0.",
)
@click.option("--plots/--no-plots", default=True, help="Write PNG plots.")
def run(
    config_path: Path | None,
    out: Path,
    resume: bool,
    overwrite: bool,
    rpc: str | None,
    shard_rpcs: tuple[str, ...],
    ipfs: str | None,
    account: str | None,
    real_time: bool,
    zk_keys: Path | None,
    explorer: int | None,
    plots: bool,
    lane_bits: str | None,
    **options: Any,
) -> None:
    """Train a quantum neural network with several clients, every update on chain."""
    from qfl.apps.report.plots import write_plots
    from qfl.chain.rpc.accounts import load_account
    from qfl.simulation.display import Display
    from qfl.simulation.run import Place, run_job
    from qfl.simulation.tables import print_tables

    given = {name: value for name in DYNAMICS if (value := options.pop(name)) not in (None, ())}
    sizes = {name: value for name in SIZES if (value := options.pop(name)) is not None}
    config = load_config(config_path) if config_path else JobConfig()
    config = config.with_options(
        lane_bits=int(lane_bits) if lane_bits else None,
        dynamics={**config.dynamics, **given},
        protocol={**config.protocol, **sizes},
        **options,
    )
    payer = load_account(account) if account else None
    console = Console()
    with Display(console, config.rounds) as display:
        try:
            place = Place(out, rpc, ipfs, payer, real_time, resume, zk_keys, shard_rpcs, explorer, overwrite)
            report = run_job(config, place, display)
        except KeyboardInterrupt:
            console.print(f"stopped; `qfl run --out {out} --resume` with the same options goes on from here")
            raise
    print_tables(console, report)
    if plots and report["rounds"]:
        write_plots(out, report)
    console.print(f"report, event log, model and plots are in {out}", highlight=False)
    if explorer is not None:
        console.print(f"`qfl explorer --run {out}` shows it again", highlight=False, soft_wrap=True)
