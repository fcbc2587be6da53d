"""`qfl client` and `qfl validator`: a role in a process of its own, or many clients in one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qfl.apps.cli import options
from qfl.apps.cli.behaviour import find_behaviour, stopping
from qfl.apps.cli.network import Network
from qfl.apps.cli.options import PATH, SampleOptions, SplitOptions, by, given
from qfl.bounds import SIGNINGS

if TYPE_CHECKING:  # web3 takes half a second to import: not for `qfl --help`
    from qfl import Ledger
    from qfl.client.signing import Signing
    from qfl.protocol.types import ParticipantId


@dataclass(frozen=True)
class RoleOptions:
    """Who a role is, how long it runs, and how."""

    key: Path = given("--key", type=PATH, required=True, help="LMS key file (see `qfl key new`).")
    folder: Path = given("--folder", type=PATH, required=True, help="Journal and state; keep it across restarts.")
    stake: float | None = given(
        "--stake", type=options.ETHER, help="ETH to bond when joining; the role's minimum unless given."
    )
    rounds: int | None = by(options.rounds)
    poll: float = by(options.poll)
    attack: str | None = by(options.attack)
    keep_rounds: int = by(options.keep_rounds)

    @property
    def stake_wei(self) -> int | None:
        return None if self.stake is None else round(self.stake * 10**18)


@dataclass(frozen=True)
class SigningOptions:
    """How a client commits, and what it waits for before it shows a key."""

    mode: str = given(
        "--signing",
        "mode",
        type=click.Choice(SIGNINGS),
        default="auto",
        help="Commit by one-time keys, or sign with LMS; auto: by key with nodes on this machine, or --second-rpc.",
    )
    second_rpc: str | None = given(
        "--second-rpc", metavar="URL", help="Another node of the chain, which has to agree before a key is shown."
    )
    second_shard_rpcs: tuple[str, ...] = by(
        click.option(
            "--second-shard-rpc",
            "second_shard_rpcs",
            multiple=True,
            metavar="URL",
            help="The same of a shard's own chain; repeat, in the shards' order.",
        ),
        (),
    )
    confirmations: int | None = given(
        "--confirmations",
        type=click.IntRange(0, 10**6),
        help="Blocks on top of one that make it final.  [default: as the deployment file or the chain says]",
    )

    def of(self, network: Network, ledger: Ledger) -> Callable[[ParticipantId, Path], Signing]:
        """What makes a client's, of its folder. Raises as `Network.ledger`."""
        from qfl.client.signing import Signing

        rpc, shard_rpcs = self.second_rpc or network.rpc, self.second_shard_rpcs or network.shard_rpcs
        second = replace(network, rpc=rpc, shard_rpcs=shard_rpcs)
        others = [] if second == network else [second.ledger()]
        return partial(Signing, ledger, mode=self.mode, others=others, confirmations=self.confirmations)


@click.group()
def client() -> None:
    """The client role."""


@client.command("run")
@options.take(network=Network, me=RoleOptions, signing=SigningOptions)
@options.zk_keys
@options.take(samples=SampleOptions)
@click.option("--share", default="1/5", help="Which part of the split is this client's: 2/5 is the second of five.")
def run_client_command(
    network: Network,
    me: RoleOptions,
    *,
    signing: SigningOptions,
    zk_keys: Path | None,
    samples: SampleOptions,
    share: str,
) -> None:
    """Train, commit, reveal, until stopped: on your own --data, or a --share of a --dataset.

    A restarted client goes on where it was.
    """
    from qfl import Client, IpfsStore, KeyFile, NodeContext, Prover, join, open_norm_keys
    from qfl.chain.contracts.staking import Role
    from qfl.daemon import Daemon, Goal
    from qfl.node.pruner import retention_of
    from qfl.training.job import fetch_job
    from qfl.training.trainer import LocalTrainer

    behaviour = find_behaviour(me.attack, Client)
    ledger, sender = network.sender(behaviour.account)
    store = IpfsStore(network.ipfs)
    job = fetch_job(store, ledger.beacon.architecture_digest())
    index, data = samples.load(job, share)
    norm_keys = open_norm_keys(ledger, zk_keys)
    proving = nullcontext(None) if norm_keys is None else Prover(norm_keys)
    with KeyFile.open(me.key) as key, proving as prover, stopping() as stop:
        participant = join(ledger, sender, Role.CLIENT, key, me.folder, me.stake_wei)
        index = participant if index is None else index
        click.echo(f"client {participant}, {len(data.labels)} samples, {key.remaining} signatures left")
        context = NodeContext(ledger, sender, store, key, me.folder)
        own = signing.of(network, ledger)(participant, me.folder)
        role = behaviour.kind(context, participant, index=index, seed=samples.seed, prover=prover, signing=own)
        trainer, retention = LocalTrainer(job, {index: behaviour.data(data, job)}), retention_of(me.keep_rounds, store)
        Daemon(me.poll, stop, goal=Goal(ledger, me.rounds)).run_client(role, trainer, retention=retention)


@client.command("host")
@options.take(network=Network, signing=SigningOptions)
@click.option(
    "--folder",
    type=PATH,
    required=True,
    help="Keys, journals and state, in a folder for each client; keep it across restarts.",
)
@click.option("--key-height", type=options.KEY_HEIGHT, default=10, help="Height of new LMS keys.")
@options.rounds
@options.poll
@options.zk_keys
@options.keep_rounds
@options.take(data=SplitOptions)
@click.option("--shares", required=True, help="Which parts of the split they own: 1-50/200, for example.")
def host_clients(
    network: Network,
    *,
    signing: SigningOptions,
    folder: Path,
    key_height: int,
    rounds: int | None,
    poll: float,
    zk_keys: Path | None,
    keep_rounds: int,
    data: SplitOptions,
    shares: str,
) -> None:
    """Act for several clients, which share the connection, the store and one training batch."""
    from qfl import Client, IpfsStore, NodeContext, Prover, join, open_norm_keys
    from qfl.chain.contracts.staking import Role
    from qfl.daemon import Daemon, Goal
    from qfl.node.pruner import retention_of
    from qfl.scheduler import ClientHost
    from qfl.simulation.identities import open_keys
    from qfl.training.data.own import load_shares
    from qfl.training.job import fetch_job
    from qfl.training.trainer import LocalTrainer

    ledger, sender = network.sender()
    store = IpfsStore(network.ipfs)
    job = fetch_job(store, ledger.beacon.architecture_digest())
    held = load_shares(data.split, shares, job.architecture.features, job.architecture.classes)
    norm_keys = open_norm_keys(ledger, zk_keys)
    proving = nullcontext(None) if norm_keys is None else Prover(norm_keys)
    folders = [folder / f"client-{index + 1}" for index in held]
    with open_keys(folders, key_height) as keys, proving as prover, stopping() as stop:
        clients, signing_of = [], signing.of(network, ledger)
        for index, (own, key) in zip(held, keys.items(), strict=True):
            participant = join(ledger, sender, Role.CLIENT, key, own)
            context = NodeContext(ledger, sender, store, key, own)
            how = signing_of(participant, own)
            clients.append(Client(context, participant, index=index, seed=data.seed, prover=prover, signing=how))
        click.echo(f"clients {clients[0].participant} to {clients[-1].participant}, {len(clients)} in this process")
        retention = retention_of(keep_rounds, store)
        host = ClientHost(ledger, clients, trainer=LocalTrainer(job, held), retention=retention)
        Daemon(poll, stop, goal=Goal(ledger, rounds)).run(host.step, host.rest)


@click.group()
def validator() -> None:
    """The validator role."""


@validator.command("run")
@options.take(network=Network, me=RoleOptions, samples=SampleOptions)
@click.option("--share", help="Judge updates by this part of the split, such as 5/5; take all of them unless given.")
def run_validator_command(network: Network, me: RoleOptions, *, samples: SampleOptions, share: str | None) -> None:
    """Open rounds, verify and attest, publish, until stopped. A restarted validator goes on where it was."""
    from qfl import IpfsStore, KeyFile, NodeContext, Validator, join, set_up_encryption
    from qfl.chain.contracts.staking import Role
    from qfl.daemon import Daemon, Goal
    from qfl.node.pruner import retention_of
    from qfl.quorum.quorum import scheme_of
    from qfl.storage.pubsub import IpfsPubsub
    from qfl.training.job import fetch_job
    from qfl.validator.selection import Scorer

    behaviour = find_behaviour(me.attack, Validator)
    ledger, sender = network.sender(behaviour.account)
    store = IpfsStore(network.ipfs)
    store.identity()
    job = fetch_job(store, ledger.beacon.architecture_digest())
    scorer = None
    if samples.own is not None or share is not None:
        scorer = Scorer(job, samples.load(job, share or "")[1], seed=samples.seed)
    with KeyFile.open(me.key) as key, stopping() as stop:
        participant = join(ledger, sender, Role.VALIDATOR, key, me.folder, me.stake_wei)
        kem = set_up_encryption(ledger, sender, store, participant, key, me.folder)
        scheme_of(ledger).set_up(sender, participant, key=key, folder=me.folder)
        click.echo(f"validator {participant}, {key.remaining} signatures left")
        context = NodeContext(ledger, sender, store, key, me.folder, IpfsPubsub(store))
        role = behaviour.kind(context, participant, kem=kem, scorer=scorer)
        daemon = Daemon(me.poll, stop, goal=Goal(ledger, me.rounds))
        daemon.run_validator(role, retention=retention_of(me.keep_rounds, store))
