"""`qfl deploy`: the contracts for a job, on any chain."""

from __future__ import annotations

from pathlib import Path

import click

from qfl.apps.cli import options
from qfl.quorum.quorum import SCHEMES
from qfl.simulation.config import JobConfig, load_config
from qfl.training.job import MODES


@click.command()
@options.rpc
@options.ipfs
@options.account
@options.deployment
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="Job as for `qfl run`.")
@click.option(
    "--shard-rpc",
    "shard_rpcs",
    metavar="URL",
    multiple=True,
    help="A chain of a shard's own, for each of the job's shards, in order; without it they share the beacon's.",
)
@click.option("--shards", type=int, help="Number of shards.  [default: 1]")
@click.option("--seats", type=int, help="Seats of each shard's committee.  [default: 4]")
@click.option("--quorum", type=options.Named(SCHEMES), help="How committees sign.  [default: lms]")
@click.option("--mode", type=click.Choice(MODES), help="Who can read updates.  [default: transparent]")
@options.zk_keys
def deploy(
    rpc: str,
    ipfs: str,
    account: str,
    deployment: Path,
    config_path: Path | None,
    shard_rpcs: tuple[str, ...],
    shards: int | None,
    seats: int | None,
    quorum: str | None,
    mode: str | None,
    zk_keys: Path | None,
) -> None:
    """Deploy a job's contracts, put its genesis model and job document on IPFS, write the deployment file."""
    from qfl.chain.deploy import deploy as deploy_contracts
    from qfl.chain.parameters import load_parameters
    from qfl.chain.rpc.accounts import load_account
    from qfl.chain.rpc.connection import connect
    from qfl.chain.rpc.sender import Sender
    from qfl.errors import InvalidInput
    from qfl.simulation.exponents import with_exponents
    from qfl.simulation.preflight import check_deployment
    from qfl.simulation.prepare import check_size, describe_job, genesis_model, norm_keys, prepare_job
    from qfl.storage.ipfs import IpfsStore

    if deployment.exists():
        raise InvalidInput("deployment", str(deployment), "exists already; choose another name")
    sizes = {name: value for name, value in (("shards", shards), ("seats", seats)) if value is not None}
    config = load_config(config_path) if config_path else JobConfig()
    config = config.with_options(mode=mode, quorum=quorum, protocol={**config.protocol, **sizes})
    if config.shard_chains and not shard_rpcs:
        raise InvalidInput("shard-rpc", None, "the job gives each shard a chain of its own: pass where each is")
    check_size(config)
    job = describe_job(config)
    if config.exponents == "auto":
        config = with_exponents(config, job, prepare_job(config)[2][0])
    keys = norm_keys(job, zk_keys, click.echo)
    payer, web3, store = load_account(account), connect(rpc), IpfsStore(ipfs)
    sender, own = Sender(web3, payer), [Sender(connect(url), payer) for url in shard_rpcs]
    check_deployment(config, sender, own)
    genesis, data = genesis_model(job, config.seed)
    store.put(job.to_json())
    store.put(data)
    chosen = SCHEMES.find(config.quorum).contract
    parameters, verifying_key = load_parameters(**config.parameters()), None if keys is None else keys.verifying_key
    deployed = deploy_contracts(*(web3, sender, parameters, genesis, verifying_key, chosen), shard_senders=own)
    deployed.save(deployment)
    for name, contract in deployed.contracts.items():
        click.echo(f"{name}: {contract.address}")
    for index, shard in enumerate(deployed.shards):
        click.echo(f"Shard {index}: {shard.address}")
    click.echo(f"written to {deployment}")
    if own:
        click.echo("once a round is open, `qfl mirror begin` brings it to the shards' chains")
