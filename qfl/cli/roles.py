"""`qfl client run` and `qfl validator run`: one role, one process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType

import click

from qfl.cli import options

key = click.option("--key", type=click.Path(path_type=Path), required=True, help="LMS key file (see `qfl key new`).")
folder = click.option(
    "--folder",
    type=click.Path(path_type=Path),
    required=True,
    help="Journal and state; keep it across restarts.",
)
stake = click.option("--stake", type=float, help="ETH to bond when joining; the role's minimum unless given.")
rounds = click.option("--rounds", type=int, help="End after this many published models; run on unless given.")
poll = click.option("--poll", type=float, default=1.0, help="Seconds between looks at the chain.")


@click.group()
def client() -> None:
    """The client role."""


@client.command("run")
@options.rpc
@options.ipfs
@options.deployment
@options.account
@key
@folder
@stake
@rounds
@poll
@options.zk_keys
@options.attack
@click.option("--dataset", default="digits", help="digits, mnist or fashion-mnist.")
@click.option("--data-folder", default="data", help="Where torchvision's data sets are, or go.")
@click.option("--class", "classes", type=int, multiple=True, help="A label to keep; repeat. All of the job's if none.")
@click.option("--partition", default="iid", help="How the data is split: iid, dirichlet:ALPHA or classes:N.")
@click.option("--share", default="1/5", help="Which part of the split is this client's: 2/5 is the second of five.")
@click.option("--seed", type=int, default=1, help="Decides split, training and rounding.")
def run_client_command(
    rpc: str,
    ipfs: str,
    deployment: Path,
    account: str,
    key: Path,
    folder: Path,
    stake: float | None,
    rounds: int | None,
    poll: float,
    zk_keys: Path | None,
    attack: str | None,
    dataset: str,
    data_folder: str,
    classes: tuple[int, ...],
    partition: str,
    share: str,
    seed: int,
) -> None:
    """Train on your own data, commit, reveal, until stopped. A restarted client goes on where it was."""
    from qfl.attacks.registry import find_strategy
    from qfl.chain.contracts.staking import Role
    from qfl.data.share import load_share
    from qfl.errors import InvalidInput
    from qfl.job import fetch_job
    from qfl.keys.keyfile import KeyFile
    from qfl.roles.client import Client
    from qfl.roles.loop import run_client
    from qfl.roles.membership import join
    from qfl.roles.proving import open_norm_keys
    from qfl.roles.trainer import LocalTrainer
    from qfl.storage.ipfs import IpfsStore
    from qfl.zk.prover import Prover

    kind = find_strategy(attack, Client)
    ledger, sender = options.open_sender(rpc, deployment, account, insisting=attack is not None)
    store = IpfsStore(ipfs)
    job = fetch_job(store, ledger.beacon.architecture_digest())
    labels = classes or tuple(range(job.architecture.classes))
    if len(labels) != job.architecture.classes:
        raise InvalidInput("class", labels, f"the job's model tells {job.architecture.classes} classes apart")
    index, data = load_share(dataset, data_folder, labels, partition, share, seed, job.architecture.features)
    norm_keys = open_norm_keys(ledger, zk_keys)
    proving = nullcontext(None) if norm_keys is None else Prover(norm_keys)
    with KeyFile.open(key) as opened, proving as prover, stopping() as stop:
        participant = join(ledger, sender, Role.CLIENT, opened.public, folder, _wei(stake))
        click.echo(f"client {participant}, {len(data.labels)} samples, {opened.remaining} signatures left")
        role = kind(participant, index, seed, ledger, sender, store, opened, folder, prover)
        run_client(role, LocalTrainer(job, {index: data}), ledger, rounds, poll, stop)


@click.group()
def validator() -> None:
    """The validator role."""


@validator.command("run")
@options.rpc
@options.ipfs
@options.deployment
@options.account
@key
@folder
@stake
@rounds
@poll
@options.attack
def run_validator_command(
    rpc: str,
    ipfs: str,
    deployment: Path,
    account: str,
    key: Path,
    folder: Path,
    stake: float | None,
    rounds: int | None,
    poll: float,
    attack: str | None,
) -> None:
    """Open rounds, verify and attest, publish, until stopped. A restarted validator goes on where it was."""
    from qfl.attacks.registry import find_strategy
    from qfl.chain.contracts.staking import Role
    from qfl.keys.keyfile import KeyFile
    from qfl.roles.encryption import set_up_encryption
    from qfl.roles.loop import run_validator
    from qfl.roles.membership import join
    from qfl.roles.validator import Validator
    from qfl.storage.ipfs import IpfsStore

    kind = find_strategy(attack, Validator)
    ledger, sender = options.open_sender(rpc, deployment, account, insisting=attack is not None)
    store = IpfsStore(ipfs)
    store.identity()
    with KeyFile.open(key) as opened, stopping() as stop:
        participant = join(ledger, sender, Role.VALIDATOR, opened.public, folder, _wei(stake))
        kem = set_up_encryption(ledger, sender, store, participant, opened, folder)
        click.echo(f"validator {participant}, {opened.remaining} signatures left")
        role = kind(participant, ledger, sender, store, opened, folder, kem)
        run_validator(role, ledger, rounds, poll, stop)


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
