"""`qfl deadlines run`: let the commit and reveal deadlines follow what clients need."""

from __future__ import annotations

from typing import Any

import click

from qfl.apps.cli import numbers, options
from qfl.apps.cli.network import Network
from qfl.apps.cli.stopping import stopping
from qfl.node.deadline_rule import LONGEST_SECONDS, MOST_FACTOR

FACTOR = numbers.Real(1, MOST_FACTOR, min_open=True)
SECONDS = click.IntRange(1, LONGEST_SECONDS)


@click.group()
def deadlines() -> None:
    """The owner's choice of deadlines."""


@deadlines.command("run")
@options.take(network=Network, without="ipfs shard_rpcs")
@click.option("--quantile", type=numbers.SHARE, default=0.9, help="Share of the clients that shall have time to spare.")
@click.option("--margin", type=FACTOR, default=1.5, help="The time to spare, as a factor.")
@click.option("--growth", type=FACTOR, default=2.0, help="Most that a deadline changes by in a round, as a factor.")
@click.option("--floor", type=SECONDS, default=60, help="Seconds that a deadline never goes below.")
@click.option("--ceiling", type=SECONDS, default=3_600, help="Seconds that a deadline never goes above.")
@options.poll
def run_deadlines_command(network: Network, poll: float, **rule: Any) -> None:
    """Set the next round's deadlines by the times of the last one, from the owner's account, until stopped."""
    from qfl.daemon import Daemon
    from qfl.node.deadline_controller import DeadlineController, DeadlineKeeper
    from qfl.node.deadline_rule import DeadlineRule

    checked = DeadlineRule(**rule)
    ledger, sender = network.sender()
    keeper = DeadlineKeeper(ledger, DeadlineController(ledger, sender, checked))
    with stopping() as stop:
        Daemon(poll, stop).run(keeper.step)
