"""`qfl deploy`: the contracts for a job, on any chain."""

from __future__ import annotations

from pathlib import Path

import click

from qfl.apps.cli import options
from qfl.apps.cli.job import job
from qfl.apps.cli.network import Network
from qfl.simulation.config import JobConfig


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
    from qfl.errors import InvalidInput
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
