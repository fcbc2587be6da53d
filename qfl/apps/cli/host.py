"""`qfl client host`: many clients, one process."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click

from qfl.apps.cli import options
from qfl.apps.cli.network import Network
from qfl.apps.cli.options import PATH, SplitOptions
from qfl.apps.cli.stopping import stopping


@click.command("host")
@options.take(network=Network)
@click.option(
    "--folder",
    type=PATH,
    required=True,
    help="Keys, journals and state, in a folder for each client; keep it across restarts.",
)
@click.option("--key-height", type=options.KEY_HEIGHT, default="10", help="Height of new LMS keys.")
@options.rounds
@options.poll
@options.zk_keys
@options.keep_rounds
@options.take(data=SplitOptions)
@click.option("--shares", required=True, help="Which parts of the split they own: 1-50/200, for example.")
def host_clients(
    network: Network,
    *,
    folder: Path,
    key_height: str,
    rounds: int | None,
    poll: float,
    zk_keys: Path | None,
    keep_rounds: int,
    data: SplitOptions,
    shares: str,
) -> None:
    """Act for several clients, which share the connection, the store and one training batch."""
    from qfl import Client, IpfsStore, Prover, join, open_norm_keys
    from qfl.chain.contracts.staking import Role
    from qfl.daemon import Daemon
    from qfl.node.context import NodeContext
    from qfl.node.goal import Goal
    from qfl.scheduler import ClientHost
    from qfl.simulation.identities import close_keys, open_keys
    from qfl.storage.retention import retention_of
    from qfl.training.data.own import load_shares
    from qfl.training.job import fetch_job
    from qfl.training.trainer import LocalTrainer

    ledger, sender = network.sender()
    store = IpfsStore(network.ipfs)
    job = fetch_job(store, ledger.beacon.architecture_digest())
    held = load_shares(data.split, shares, job.architecture.features, job.architecture.classes)
    norm_keys = open_norm_keys(ledger, zk_keys)
    proving = nullcontext(None) if norm_keys is None else Prover(norm_keys)
    keys = open_keys([folder / f"client-{index + 1}" for index in held], int(key_height))
    try:
        with proving as prover, stopping() as stop:
            clients = []
            for index, (own, key) in zip(held, keys.items(), strict=True):
                participant = join(ledger, sender, Role.CLIENT, key, own)
                context = NodeContext(ledger, sender, store, key, own)
                clients.append(Client(context, participant, index=index, seed=data.seed, prover=prover))
            click.echo(f"clients {clients[0].participant} to {clients[-1].participant}, {len(clients)} in this process")
            retention = retention_of(keep_rounds, store)
            host = ClientHost(ledger, clients, trainer=LocalTrainer(job, held), retention=retention)
            Daemon(poll, stop, goal=Goal(ledger, rounds)).run(host.step, host.rest)
    finally:
        close_keys(keys.values())
