"""`qfl devnet`: a chain and an IPFS node on this machine."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from qfl.apps.cli import options
from qfl.devnet import Devnet, DevnetConfig
from qfl.devnet.config import DEV_MNEMONIC
from qfl.devnet.health import DevnetStatus
from qfl.devnet.service import read_status, serve, start_detached, stop_running

folder_option = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".qfl/devnet"),
    help="Where state and logs are kept; one devnet per folder.",
)
PORT = click.IntRange(0, 65535)


@click.group()
def devnet() -> None:
    """A development network on this machine: a chain and an IPFS node."""


@devnet.command()
@folder_option
@click.option("--chain", type=click.Choice(["anvil", "ganache"]), default="anvil")
@click.option("--rpc-port", type=PORT, default=8545, help="0: a free one.")
@click.option("--ipfs-port", type=PORT, default=5001, help="0: a free one.")
@click.option(
    "--block-time",
    type=click.IntRange(0, 86_400),
    help="Mine every N seconds too (Ganache: only then); 0: for each transaction only, and time stands still in "
    "between.  [default: 1 on Anvil, 0 on Ganache]",
)
@click.option(
    "--shard-chains",
    type=click.IntRange(0, 64),
    default=0,
    help="Chains beside it, one for each shard; with a fixed --rpc-port they have the ports after it.",
)
@click.option("--accounts", type=click.IntRange(1, 1000), default=20, help="Funded accounts.")
@click.option("--detach", is_flag=True, help="Run in the background; `qfl devnet down` ends it.")
@options.as_json
def up(as_json: bool, detach: bool, block_time: int | None, **settings: Any) -> None:
    """Start the network, and end it with Ctrl-C.

    A network started again in the same folder goes on with its old chain and content.
    """
    if block_time is None:
        block_time = 1 if settings["chain"] == "anvil" else 0
    config = DevnetConfig(**{**settings, "folder": settings["folder"].resolve(), "block_time": block_time or None})
    if detach:
        show(start_detached(config), as_json)
        return

    def announce(running: Devnet) -> None:
        show(running.status(), as_json)
        if not as_json:
            click.echo(f"mnemonic  {DEV_MNEMONIC} ({config.accounts} accounts, known to everybody)")
            click.echo("Ctrl-C ends it.")

    serve(config, announce)


@devnet.command()
@folder_option
@options.as_json
@click.pass_context
def status(context: click.Context, folder: Path, as_json: bool) -> None:
    """Say how each part of the network is. The exit code is 7 if one is unwell."""
    found = read_status(folder.resolve())
    show(found, as_json)
    context.exit(0 if found.is_healthy else 7)


@devnet.command()
@folder_option
def down(folder: Path) -> None:
    """End the network that runs in the folder, wherever it was started."""
    pid = stop_running(folder.resolve())
    click.echo(f"the devnet in {folder} (process {pid}) has ended")


def show(found: DevnetStatus, as_json: bool) -> None:
    if as_json:
        parts = {
            part.part.name: {**asdict(part.part), "healthy": part.is_healthy, "detail": part.detail}
            for part in found.parts
        }
        options.print_json({"folder": str(found.folder), "pid": found.pid, **parts})
        return
    for part in found.parts:
        health = "" if part.is_healthy else "NOT ANSWERING: "
        click.echo(f"{part.part.name:<9} {part.part.url}  {part.part.program}, {health}{part.detail}")
        click.echo(f"{'':<9} log {part.part.log}")
