"""`qfl client run` and `qfl validator run`: one role, one process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from qfl.apps.cli import numbers, options
from qfl.apps.cli.behaviour import find_behaviour
from qfl.bounds import MOST_ROUNDS

if TYPE_CHECKING:
    from qfl.training.data.share import Split

key = click.option("--key", type=click.Path(path_type=Path), required=True, help="LMS key file (see `qfl key new`).")
folder = click.option(
    "--folder",
    type=click.Path(path_type=Path),
    required=True,
    help="Journal and state; keep it across restarts.",
)
stake = click.option("--stake", type=numbers.ETHER, help="ETH to bond when joining; the role's minimum unless given.")
rounds = click.option(
    "--rounds",
    type=click.IntRange(0, MOST_ROUNDS),
    help="End after this many models published from this start on, or ten times as many rounds; run on unless given.",
)
poll = click.option("--poll", type=numbers.SECONDS, default=1.0, help="Seconds between looks at the chain.")


@click.group()
def client() -> None:
    """The client role."""


@client.command("run")
@options.rpc
@options.ipfs
@options.deployment
@options.shard_rpcs
@options.account
@key
@folder
@stake
@rounds
@poll
@options.zk_keys
@options.attack
@options.keep_rounds
@options.own_data
@options.training_data
@click.option("--share", default="1/5", help="Which part of the split is this client's: 2/5 is the second of five.")
def run_client_command(
    rpc: str,
    ipfs: str,
    deployment: Path,
    shard_rpcs: tuple[str, ...],
    account: str,
    key: Path,
    folder: Path,
    stake: float | None,
    rounds: int | None,
    poll: float,
    zk_keys: Path | None,
    attack: str | None,
    keep_rounds: int,
    own: Path | None,
    split: Split,
    share: str,
) -> None:
    """Train, commit, reveal, until stopped: on your own --data, or a --share of a --dataset.

    A restarted client goes on where it was.
    """
    from qfl.chain.contracts.staking import Role
    from qfl.client.client import Client
    from qfl.crypto.keyfile import KeyFile
    from qfl.crypto.norm.prover import Prover
    from qfl.daemon import Daemon
    from qfl.node.context import NodeContext
    from qfl.node.goal import Goal
    from qfl.node.membership import join
    from qfl.node.proving import open_norm_keys
    from qfl.storage.ipfs import IpfsStore
    from qfl.storage.retention import retention_of
    from qfl.training.job import fetch_job
    from qfl.training.trainer import LocalTrainer

    behaviour = find_behaviour(attack, Client)
    ledger, sender = options.open_sender(rpc, deployment, account, behaviour.account, shard_rpcs)
    store = IpfsStore(ipfs)
    job = fetch_job(store, ledger.beacon.architecture_digest())
    index, data = options.load_samples(own, job, split, share)
    norm_keys = open_norm_keys(ledger, zk_keys)
    proving = nullcontext(None) if norm_keys is None else Prover(norm_keys)
    with KeyFile.open(key) as opened, proving as prover, stopping() as stop:
        participant = join(ledger, sender, Role.CLIENT, opened, folder, _wei(stake))
        index = participant if index is None else index
        click.echo(f"client {participant}, {len(data.labels)} samples, {opened.remaining} signatures left")
        context = NodeContext(ledger, sender, store, opened, folder)
        role = behaviour.kind(context, participant, index=index, seed=split.seed, prover=prover)
        trainer, retention = LocalTrainer(job, {index: behaviour.data(data, job)}), retention_of(keep_rounds, store)
        Daemon(poll, stop, goal=Goal(ledger, rounds)).run_client(role, trainer, retention=retention)


@click.group()
def validator() -> None:
    """The validator role."""


@validator.command("run")
@options.rpc
@options.ipfs
@options.deployment
@options.shard_rpcs
@options.account
@key
@folder
@stake
@rounds
@poll
@options.attack
@options.keep_rounds
@options.own_data
@options.training_data
@click.option("--share", help="Judge updates by this part of the split, such as 5/5; take all of them unless given.")
def run_validator_command(
    rpc: str,
    ipfs: str,
    deployment: Path,
    shard_rpcs: tuple[str, ...],
    account: str,
    key: Path,
    folder: Path,
    stake: float | None,
    rounds: int | None,
    poll: float,
    attack: str | None,
    keep_rounds: int,
    own: Path | None,
    split: Split,
    share: str | None,
) -> None:
    """Open rounds, verify and attest, publish, until stopped. A restarted validator goes on where it was."""
    from qfl.chain.contracts.staking import Role
    from qfl.crypto.keyfile import KeyFile
    from qfl.daemon import Daemon
    from qfl.node.context import NodeContext
    from qfl.node.encryption import set_up_encryption
    from qfl.node.goal import Goal
    from qfl.node.membership import join
    from qfl.quorum.quorum import scheme_of
    from qfl.storage.ipfs import IpfsStore
    from qfl.storage.retention import retention_of
    from qfl.training.job import fetch_job
    from qfl.validator.scorer import Scorer
    from qfl.validator.validator import Validator

    behaviour = find_behaviour(attack, Validator)
    ledger, sender = options.open_sender(rpc, deployment, account, behaviour.account, shard_rpcs)
    store = IpfsStore(ipfs)
    store.identity()
    scorer = None
    if own is not None or share is not None:
        job = fetch_job(store, ledger.beacon.architecture_digest())
        _, held = options.load_samples(own, job, split, share or "")
        scorer = Scorer(job, held, split.seed)
    with KeyFile.open(key) as opened, stopping() as stop:
        participant = join(ledger, sender, Role.VALIDATOR, opened, folder, _wei(stake))
        kem = set_up_encryption(ledger, sender, store, participant, opened, folder)
        attesting = scheme_of(ledger).set_up(sender, participant, opened, folder)
        click.echo(f"validator {participant}, {opened.remaining} signatures left")
        context = NodeContext(ledger, sender, store, opened, folder)
        role = behaviour.kind(context, participant, kem=kem, attesting=attesting, scorer=scorer)
        daemon = Daemon(poll, stop, goal=Goal(ledger, rounds))
        daemon.run_validator(role, retention=retention_of(keep_rounds, store))


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that SIGINT or SIGTERM sets: the role ends between two steps. A second signal ends it at once."""
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        restore()

    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        restore()


def _wei(ether: float | None) -> int | None:
    return None if ether is None else round(ether * 10**18)
