"""`qfl deploy`: the contracts for a job, on any chain."""

from __future__ import annotations

from pathlib import Path

import click

from qfl.cli import options
from qfl.config import JobConfig, load_config


@click.command()
@options.rpc
@options.ipfs
@options.account
@options.deployment
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="Job as for `qfl run`.")
def deploy(rpc: str, ipfs: str, account: str, deployment: Path, config_path: Path | None) -> None:
    """Deploy a job's contracts, put its genesis model and job document on IPFS, write the deployment file."""
    from qfl.chain.accounts import load_account
    from qfl.chain.connection import connect
    from qfl.chain.deploy import deploy as deploy_contracts
    from qfl.chain.parameters import load_parameters
    from qfl.chain.sender import Sender
    from qfl.errors import InvalidInput
    from qfl.prepare import check_size, genesis_model, prepare_job
    from qfl.storage.ipfs import IpfsStore

    if deployment.exists():
        raise InvalidInput("deployment", str(deployment), "exists already; choose another name")
    config = load_config(config_path) if config_path else JobConfig()
    check_size(config)
    job, _, _ = prepare_job(config)
    web3, store = connect(rpc), IpfsStore(ipfs)
    genesis, data = genesis_model(job, config.seed)
    store.put(job.to_json())
    store.put(data)
    deployed = deploy_contracts(
        web3, Sender(web3, load_account(account)), load_parameters(**config.parameters()), genesis
    )
    deployed.save(deployment)
    for name, contract in deployed.contracts.items():
        click.echo(f"{name}: {contract.address}")
    for index, shard in enumerate(deployed.shards):
        click.echo(f"Shard {index}: {shard.address}")
    click.echo(f"written to {deployment}")
