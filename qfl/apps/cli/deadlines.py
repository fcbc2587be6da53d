"""`qfl deadlines run`: let the commit and reveal deadlines follow what clients need."""

from __future__ import annotations

from pathlib import Path

import click

from qfl.apps.cli import numbers, options
from qfl.apps.cli.roles import poll, stopping
from qfl.node.deadline_rule import LONGEST_SECONDS, MOST_FACTOR


@click.group()
def deadlines() -> None:
    """The owner's choice of deadlines."""


@deadlines.command("run")
@options.rpc
@options.deployment
@options.account
@click.option("--quantile", type=numbers.SHARE, default=0.9, help="Share of the clients that shall have time to spare.")
@click.option(
    "--margin", type=numbers.Real(1, MOST_FACTOR, min_open=True), default=1.5, help="The time to spare, as a factor."
)
@click.option(
    "--growth",
    type=numbers.Real(1, MOST_FACTOR, min_open=True),
    default=2.0,
    help="Most that a deadline changes by in a round, as a factor.",
)
@click.option(
    "--floor", type=click.IntRange(1, LONGEST_SECONDS), default=60, help="Seconds that a deadline never goes below."
)
@click.option(
    "--ceiling",
    type=click.IntRange(1, LONGEST_SECONDS),
    default=3_600,
    help="Seconds that a deadline never goes above.",
)
@poll
def run_deadlines_command(
    rpc: str,
    deployment: Path,
    account: str,
    quantile: float,
    margin: float,
    growth: float,
    floor: int,
    ceiling: int,
    poll: float,
) -> None:
    """Set the next round's deadlines by the times of the last one, from the owner's account, until stopped."""
    from qfl.daemon import Daemon
    from qfl.node.deadline_controller import DeadlineController
    from qfl.node.deadline_keeper import DeadlineKeeper
    from qfl.node.deadline_rule import DeadlineRule

    rule = DeadlineRule(quantile, margin, growth, floor, ceiling)
    ledger, sender = options.open_sender(rpc, deployment, account)
    keeper = DeadlineKeeper(ledger, DeadlineController(ledger, sender, rule))
    with stopping() as stop:
        Daemon(poll, stop).run(keeper.step)
