"""`qfl explorer`: a deployment as pages on loopback."""

from __future__ import annotations

from typing import Any

import click

from qfl.apps.cli import options
from qfl.apps.cli.network import Source

FETCH_SECONDS = 3.0
"""How long the IPFS node may look for what a page shows; who looks at it does not wait much longer."""


@click.command()
@options.take(source=Source)
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8550, help="Port; a free one if it is taken, or 0.")
@click.option("--beyond-loopback", is_flag=True, help="Let --host be an address that other machines reach.")
@click.option("--name", "names", multiple=True, help="A host name that it may be called by; repeat.")
def explorer(source: Source, **listening: Any) -> None:
    """Show rounds, participants, transactions and content in a browser; only reads.

    Everything shown is read from chain and IPFS again at the next start. With --run, accuracy and energy come from the
    run's folder.
    """
    from qfl.apps.explorer.server import serve
    from qfl.apps.explorer.watcher import watch
    from qfl.storage.ipfs import IpfsStore

    with source.network() as network:
        store = IpfsStore(network.ipfs, FETCH_SECONDS)
        watcher = watch(network.deployment, [network.rpc, *network.shard_rpcs], store, source.run_folder)
        serve(watcher, lambda url: click.echo(f"explorer at {url}, until Ctrl-C"), **listening)
