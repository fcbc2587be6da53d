"""Options that several commands share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:  # web3 takes half a second to import: not for `qfl --help`
    from qfl.chain.ledger import Ledger
    from qfl.chain.sender import Sender

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
    help="A run's folder, in place of the addresses: its chain and IPFS node are started again while this needs them.",
)
rpc_or_run = click.option("--rpc", envvar="QFL_RPC", metavar="URL", help="JSON-RPC address of the chain.")
ipfs_or_run = click.option("--ipfs", envvar="QFL_IPFS", metavar="ADDRESS", help="RPC address of the IPFS node.")
deployment_or_run = click.option(
    "--deployment", type=click.Path(path_type=Path), envvar="QFL_DEPLOYMENT", help="Deployment file."
)
zk_keys = click.option(
    "--zk-keys",
    type=click.Path(path_type=Path),
    help="Folder of private mode's keys (see `qfl zk`).  [default: .qfl/zk/norm-<capacity>]",
)
attack = click.option("--attack", metavar="NAME", help="Cheat by this strategy; `qfl attack --list` names them.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def open_ledger(rpc_url: str, path: Path) -> Ledger:
    """The deployment in `path` on the chain at `rpc_url`, checked against each other."""
    from qfl.chain.deployment import Deployment
    from qfl.chain.ledger import Ledger

    return Ledger.connect(rpc_url, Deployment.load(path))


def open_sender(rpc_url: str, path: Path, source: str, insisting: bool = False) -> tuple[Ledger, Sender]:
    """The deployment, and the account that pays; `insisting`, it sends what the contracts refuse, too."""
    from qfl.attacks.insistent import Insistent
    from qfl.chain.accounts import load_account
    from qfl.chain.sender import Sender

    ledger = open_ledger(rpc_url, path)
    sender = Sender(ledger.web3, load_account(source))
    return ledger, Insistent(sender) if insisting else sender


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(json.dumps(value, indent=2))
