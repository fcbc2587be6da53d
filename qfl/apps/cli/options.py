"""Options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from qfl.apps.cli import numbers
from qfl.bounds import MOST_ROUNDS
from qfl.doors import Door

if TYPE_CHECKING:  # web3 takes half a second to import: not for `qfl --help`
    from qfl.chain.ledger import Ledger
    from qfl.chain.rpc.sender import Sender, TransactionSender
    from qfl.training.data.datasets import LabelledData
    from qfl.training.data.share import Split
    from qfl.training.job import JobDocument


def _unless_run(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Where the network is; what the environment says of it is of another one than that of a run's folder."""
    source = context.get_parameter_source(parameter.name or "")
    if context.params.get("run_folder") is not None and source is ParameterSource.ENVIRONMENT:
        return () if parameter.multiple else None
    return value


class Named(click.Choice[str]):
    """One of the entries behind a door, by its name; the door is opened only for who asks."""

    def __init__(self, door: Door[Any]) -> None:
        super().__init__(())
        self._door = door

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        self.choices = tuple(self._door.names())
        return super().get_metavar(param, ctx)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        self.choices = tuple(self._door.names())
        return super().convert(value, param, ctx)


rpc = click.option("--rpc", required=True, envvar="QFL_RPC", metavar="URL", help="JSON-RPC address of the chain.")
ipfs = click.option(
    "--ipfs",
    required=True,
    envvar="QFL_IPFS",
    metavar="ADDRESS",
    help="RPC address of the IPFS node (URL or multiaddr).",
)
deployment = click.option(
    "--deployment",
    type=click.Path(path_type=Path),
    default=Path("deployment.json"),
    envvar="QFL_DEPLOYMENT",
    help="Deployment file.",
)
account = click.option(
    "--account",
    default="dev:0",
    envvar="QFL_ACCOUNT",
    metavar="SOURCE",
    help="Who pays gas and stake: dev:N (development chains), a keystore file, or a file with a private key.",
)
run_folder = click.option(
    "--run",
    "run_folder",
    type=click.Path(path_type=Path),
    is_eager=True,
    help="A run's folder, in place of the addresses: its chain and IPFS node are started again while this needs them.",
)
rpc_or_run = click.option(
    "--rpc", envvar="QFL_RPC", metavar="URL", callback=_unless_run, help="JSON-RPC address of the chain."
)
shard_rpcs = click.option(
    "--shard-rpc",
    "shard_rpcs",
    multiple=True,
    envvar="QFL_SHARD_RPC",
    metavar="URL",
    callback=_unless_run,
    help="JSON-RPC address of a shard's own chain; repeat, in the shards' order.  [default: as in the deployment file]",
)
ipfs_or_run = click.option(
    "--ipfs", envvar="QFL_IPFS", metavar="ADDRESS", callback=_unless_run, help="RPC address of the IPFS node."
)
deployment_or_run = click.option(
    "--deployment",
    type=click.Path(path_type=Path),
    envvar="QFL_DEPLOYMENT",
    callback=_unless_run,
    help="Deployment file.",
)
zk_keys = click.option(
    "--zk-keys",
    type=click.Path(path_type=Path),
    help="Folder of private mode's keys (see `qfl zk`).  [default: .qfl/zk/norm-<capacity>]",
)
keep_rounds = click.option(
    "--keep-rounds",
    type=click.IntRange(0, MOST_ROUNDS),
    default=3,
    show_default=True,
    help="Final rounds whose content stays in the store; 0 keeps everything.",
)
own_data = click.option(
    "--data",
    "own",
    type=click.Path(path_type=Path),
    help="Your own samples instead of a share of a data set: an .npz file of x [n, features] and y [n].",
)
attack = click.option("--attack", metavar="NAME", help="Cheat, as an adversary of an installed package does.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def run_or_network(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say where a run, or a network, is read; `find_services` takes their values."""
    for option in (shard_rpcs, deployment_or_run, ipfs_or_run, rpc_or_run, run_folder):
        command = option(command)
    return command


def training_data(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say what is trained on; the command takes them as one argument, `split`."""
    gathered = _with_split(command)
    for option in (
        click.option("--seed", type=numbers.SEED, default=1, help="Decides split, training and rounding."),
        click.option("--partition", default="iid", help="How the data is split: iid, dirichlet:ALPHA or classes:N."),
        click.option(
            "--class",
            "classes",
            type=click.IntRange(0, 999),
            multiple=True,
            help="A label to keep; repeat. All of the job's if none.",
        ),
        click.option("--data-folder", default="data", help="Where torchvision's data sets are, or go."),
        click.option("--dataset", default="digits", help="digits, mnist or fashion-mnist."),
    ):
        gathered = option(gathered)
    return gathered


def _with_split(command: Callable[..., None]) -> Callable[..., None]:
    @wraps(command)
    def gathering(**values: Any) -> None:
        from qfl.training.data.share import Split

        split = Split(**{part.name: values.pop(part.name) for part in fields(Split)})
        command(**values, split=split)

    return gathering


def load_samples(own: Path | None, job: JobDocument, split: Split, share: str) -> tuple[int | None, LabelledData]:
    """One role's samples: from its `own` file, or its share of a data set, with that share's index.

    Raises:
        InvalidInput: no such file or share, several shares, or the data does not fit the job's model.
    """
    from qfl.errors import InvalidInput
    from qfl.training.data.own import load_own
    from qfl.training.data.share import load_shares

    model = job.architecture
    if own is not None:
        return None, load_own(own, model.features, model.classes, model.is_angular)
    shares = load_shares(split, share, model.features, model.classes)
    if len(shares) > 1:
        raise InvalidInput("share", share, "is several clients': `qfl client host` acts for them")
    (found,) = shares.items()
    return found


def open_ledger(rpc_url: str, path: Path, shard_urls: Sequence[str] = ()) -> Ledger:
    """The deployment in `path` on the chain at `rpc_url`, checked against each other.

    `shard_urls` are those of the shards' own chains, where they are not as the file says.
    """
    from qfl.chain.deployment import Deployment
    from qfl.chain.ledger import Ledger

    return Ledger.connect(rpc_url, Deployment.load(path), shard_urls)


def open_sender(
    rpc_url: str,
    path: Path,
    source: str,
    account_of: Callable[[Sender], TransactionSender] = lambda sender: sender,
    shard_urls: Sequence[str] = (),
) -> tuple[Ledger, TransactionSender]:
    """The deployment, and the account that pays on all its chains.

    `account_of` says what sends on the beacon's chain in place of the usual account.
    """
    from qfl.chain.rpc.accounts import load_account
    from qfl.chain.rpc.router import ChainRouter
    from qfl.chain.rpc.sender import Sender

    ledger, account = open_ledger(rpc_url, path, shard_urls), load_account(source)
    sender = Sender(ledger.web3, account)
    first = account_of(sender)
    if not ledger.shard_web3s:
        return ledger, first
    ids = [chain.chainId for chain in ledger.deployment.chains]
    own = {id_: Sender(web3, account, chain_id=id_) for id_, web3 in zip(ids, ledger.shard_web3s, strict=True)}
    return ledger, ChainRouter({sender.chain_id: first, **own})


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(json.dumps(value, indent=2))
