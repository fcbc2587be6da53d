"""`qfl simulate`: rounds of any size, from constants that are measured on this machine."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from experiments.console import make_console
from qfl.apps.cli import options

if TYPE_CHECKING:  # numpy takes a while to import: not for `qfl --help`
    from experiments.scale.constants import Constants


@click.command()
@click.option("--clients", type=options.COUNT, default=1_000_000, help="Number of clients.")
@click.option("--validators", type=options.COUNT, default=100_000, help="Number of validators.")
@click.option("--shards", type=options.COUNT, default=4_000, help="Number of shards, each on a chain of its own.")
@click.option("--seats", type=int, default=16, help="Seats of each shard's committee.")
@click.option("--bad", type=options.SHARE, default=0.2, help="The adversary's share of the stake.")
@click.option("--target", type=options.SHARE, default=1e-9, help="How likely a failed committee in a round may be.")
@click.option("--stake-ratio", type=float, help="Largest stake over mean stake: adds a bound for unequal stakes.")
@click.option("--link", default="imt-2020", help="Clients' link, of `qfl/simulation/faults/links.toml`.")
@click.option("--validator-link", default="imt-2030", help="Validators' link.")
@click.option(
    "--block-seconds", type=options.Real(0, 1e6, min_open=True), default=12.0, help="Time from block to block."
)
@click.option("--block-gas", type=click.IntRange(1, 10**15), default=30_000_000, help="Gas of a block.")
@click.option("--keep-rounds", type=click.IntRange(0, 10**6), default=3, help="Rounds whose content a node keeps.")
@click.option("--calibrate", is_flag=True, help="Measure this machine's constants into --constants, and end.")
@click.option("--check", is_flag=True, help="Run three other sizes, and compare; ends with 6 when one is 15 % off.")
@click.option("--constants", type=options.PATH, help="Constants' file.  [default: that of the package]")
@options.as_json
def simulate(
    *,
    bad: float,
    target: float,
    stake_ratio: float | None,
    link: str,
    validator_link: str,
    block_seconds: float,
    block_gas: int,
    keep_rounds: int,
    calibrate: bool,
    check: bool,
    constants: Path | None,
    as_json: bool,
    **network: int,
) -> None:
    """Model a round: its time, every node's load, the beacon's gas, and how safe its committees are."""
    from experiments.scale.constants import DEFAULTS, Constants
    from experiments.scale.odds import compute_odds, odds_table
    from experiments.scale.scenario import Chains, forecast, forecast_tables
    from experiments.scale.size import Size
    from qfl.simulation.faults.links import find_link

    path = constants or DEFAULTS
    console = make_console(as_json)
    if calibrate:
        _calibrate(path, console)
        return
    known = Constants.load(path)
    if check:
        _check(known, console, as_json)
        return
    size = Size(**network)
    links = find_link(link), find_link(validator_link)
    result = forecast(size, known, *links, Chains(block_seconds, block_gas), keep_rounds)
    odds = compute_odds(size, bad, target, stake_ratio)
    if as_json:
        made = {"constants": dict(known.made), "client_link": asdict(links[0]), "validator_link": asdict(links[1])}
        options.print_json({**asdict(result), "seconds": result.seconds, "odds": [asdict(o) for o in odds], **made})
        return
    console.print(f"{size}; {bad:.1%} of the stake is bad", highlight=False)
    for table in (*forecast_tables(result), odds_table(odds, target)):
        console.print(table)
    console.print(f"constants: {known.made['command']}, {known.made['date']}, {known.made['processor']}")
    console.print(f"links, simulated: clients {links[0].title}; validators {links[1].title}")


def _calibrate(path: Path, console: Console) -> None:
    from experiments.scale.calibrate import calibrate

    calibrate(console.print).save(path)
    console.print(f"constants are in {path}")


def _check(known: Constants, console: Console, as_json: bool) -> None:
    from experiments.scale.check import TOLERANCE, check, check_table

    comparisons = check(known, console.print)
    if as_json:
        options.print_json([entry.to_json() for entry in comparisons])
    else:
        console.print(check_table(comparisons))
    if not all(entry.holds for entry in comparisons):
        console.print(f"the model is more than {TOLERANCE:.0%} off", style="red")
        raise click.exceptions.Exit(6)
