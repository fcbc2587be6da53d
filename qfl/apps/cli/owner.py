"""What the owner of a deployment does: `qfl deploy`, `qfl deadlines`, `qfl mirror`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qfl.apps.cli import options
from qfl.apps.cli.behaviour import stopping
from qfl.apps.cli.job import job
from qfl.apps.cli.network import Network
from qfl.errors import InvalidInput, ShardUnreachable
from qfl.node.deadline_rule import LONGEST_SECONDS, MOST_FACTOR
from qfl.simulation.config import JobConfig

if TYPE_CHECKING:
    from qfl.chain.ledger import Ledger
    from qfl.protocol.types import ShardIndex

FACTOR = options.Real(1, MOST_FACTOR, min_open=True)
SECONDS = click.IntRange(1, LONGEST_SECONDS)


@click.command()
@options.take(network=Network, without="shard_rpcs")
@job("shards seats quorum mode", config_path="Job as for `qfl run`.")
@click.option(
    "--shard-rpc",
    "shard_rpcs",
    metavar="URL",
    multiple=True,
    help="A chain of a shard's own, for each of the job's shards, in order; without it they share the beacon's.",
)
@options.zk_keys
def deploy(network: Network, config: JobConfig, *, shard_rpcs: tuple[str, ...], zk_keys: Path | None) -> None:
    """Deploy a job's contracts, put its genesis model and job document on IPFS, write the deployment file."""
    from qfl import IpfsStore, Sender
    from qfl.chain.rpc.accounts import load_account
    from qfl.chain.rpc.connection import connect
    from qfl.simulation.preflight import check_deployment
    from qfl.simulation.prepare import check_size, deploy_job, describe_job, norm_keys, prepare_job, with_exponents

    if network.deployment.exists():
        raise InvalidInput("deployment", str(network.deployment), "exists already; choose another name")
    if config.shard_chains and not shard_rpcs:
        raise InvalidInput("shard-rpc", None, "the job gives each shard a chain of its own: pass where each is")
    check_size(config)
    job = describe_job(config)
    if config.exponents == "auto":
        config = with_exponents(config, job, prepare_job(config)[2][0])
    keys = norm_keys(job, zk_keys, click.echo)
    payer, store = load_account(network.account), IpfsStore(network.ipfs)
    sender, *own = (Sender(connect(url), payer) for url in (network.rpc, *shard_rpcs))
    check_deployment(config, sender, own)
    deployed = deploy_job(config, job, keys=keys, store=store, sender=sender, shard_senders=own)
    deployed.save(network.deployment)
    for name, contract in deployed.contracts.items():
        click.echo(f"{name}: {contract.address}")
    for index, shard in enumerate(deployed.shards):
        click.echo(f"Shard {index}: {shard.address}")
    click.echo(f"written to {network.deployment}")
    if own:
        click.echo("once a round is open, `qfl mirror begin` brings it to the shards' chains")


@click.group()
def deadlines() -> None:
    """The owner's choice of deadlines."""


@deadlines.command("run")
@options.take(network=Network, without="ipfs shard_rpcs")
@click.option("--quantile", type=options.SHARE, default=0.9, help="Share of the clients that shall have time to spare.")
@click.option("--margin", type=FACTOR, default=1.5, help="The time to spare, as a factor.")
@click.option("--growth", type=FACTOR, default=2.0, help="Most that a deadline changes by in a round, as a factor.")
@click.option("--floor", type=SECONDS, default=60, help="Seconds that a deadline never goes below.")
@click.option("--ceiling", type=SECONDS, default=3_600, help="Seconds that a deadline never goes above.")
@options.poll
def run_deadlines_command(network: Network, poll: float, **rule: Any) -> None:
    """Set the next round's deadlines by the times of the last one, from the owner's account, until stopped."""
    from qfl.daemon import Daemon
    from qfl.node.deadline_controller import DeadlineController
    from qfl.node.deadline_rule import DeadlineRule

    checked = DeadlineRule(**rule)
    ledger, sender = network.sender()
    keeper = DeadlineController(ledger, sender, checked)
    with stopping() as stop:
        Daemon(poll, stop).run(keeper.step)


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
