"""`qfl mirror`: the copies of the beacon on the shards' own chains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qfl.apps.cli import options
from qfl.apps.cli.network import Network
from qfl.apps.cli.stopping import stopping
from qfl.errors import InvalidInput, ShardUnreachable

if TYPE_CHECKING:
    from qfl.chain.ledger import Ledger
    from qfl.protocol.types import ShardIndex


@click.group()
def mirror() -> None:
    """The beacon's mirrors on the shards' own chains."""


@mirror.command()
@options.take(network=Network, without="ipfs")
@options.poll
def begin(network: Network, poll: float) -> None:
    """Send each mirror its first message, as the account that deployed it; waits for a round to be open."""
    from qfl.chain.contracts.beacon import Phase
    from qfl.validator.mirror_keeper import begin_mirrors

    ledger, sender = network.sender()
    _require_mirrors(ledger, network.deployment)
    with stopping() as stop:
        while ledger.beacon.context().phase is Phase.IDLE and not stop.is_set():
            stop.wait(poll)
    for shard in begin_mirrors(ledger, sender):
        click.echo(f"the mirror of shard {shard} shows round {ledger.beacon.current_round()}")


@mirror.command()
@options.take(network=Network, without="ipfs account")
@options.as_json
def status(network: Network, as_json: bool) -> None:
    """Which round each mirror shows, and whether all it was told is what the beacon says."""
    ledger = network.ledger()
    _require_mirrors(ledger, network.deployment)
    found = [_status(ledger, shard) for shard in ledger.all_shards()]
    if as_json:
        options.print_json({"round": ledger.beacon.current_round(), "shards": found})
        return
    for shard, entry in enumerate(found):
        shown = "nothing yet" if entry["round"] is None else f"round {entry['round']}"
        click.echo(f"shard {shard}: {entry['problem'] or shown} (the beacon is at {ledger.beacon.current_round()})")


def _status(ledger: Ledger, shard: ShardIndex) -> dict[str, Any]:
    from qfl.chain.mirroring import MirrorVerifier

    try:
        mirrored = ledger.mirrors[shard].mirrored()
        problem = MirrorVerifier(ledger).find_falsehood(shard)
    except ShardUnreachable as fault:
        return {"round": None, "problem": str(fault)}
    return {"round": None if mirrored is None else mirrored.round, "problem": problem}


def _require_mirrors(ledger: Ledger, deployment: Path) -> None:
    if not ledger.mirrors:
        raise InvalidInput("deployment", str(deployment), "all its shards are on the beacon's chain: it has no mirrors")
