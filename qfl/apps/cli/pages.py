"""`qfl explorer` and `qfl report`: a deployment, or finished runs, as pages."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from qfl.apps.cli.network import OWN_NODE_SECONDS, Source
from qfl.apps.cli.options import PATH, job_files, take

FETCH_SECONDS = 3.0
"""How long the IPFS node may look for what a page shows; who looks at it does not wait much longer."""


@click.command()
@take(source=Source)
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
    from qfl.apps.explorer.watcher import Watcher
    from qfl.chain.deployment import Deployment
    from qfl.storage.ipfs import IpfsStore

    with source.network() as network:
        store = IpfsStore(network.ipfs, FETCH_SECONDS if source.run_folder is None else OWN_NODE_SECONDS)
        urls = [network.rpc, *network.shard_rpcs]
        watcher = Watcher(Deployment.load(network.deployment), urls, store, source.run_folder)
        serve(watcher, lambda url: click.echo(f"explorer at {url}, until Ctrl-C"), **listening)


@click.command()
@click.argument("folders", metavar="RUN...", nargs=-1, required=True, type=PATH)
@click.option(
    "--out",
    type=PATH,
    default=Path("runs/report"),
    help="Folder for page, figures and jobs; or a file *.html for the page alone.",
)
@click.option("--data-folder", type=PATH, help="Where the data are; as in the run unless given.")
@job_files
@click.option("--attacks", type=PATH, help="Show what `qfl attack --out FILE` wrote, too.")
def report(folders: tuple[Path, ...], out: Path, *, data_folder: Path | None, attacks: Path | None) -> None:
    """Show run folders as one self-contained HTML page, and PNG figures beside it."""
    from qfl.apps.report.comparison import comparison_page, read_attacks
    from qfl.apps.report.figures import write_pictures
    from qfl.apps.report.finished import job_toml, name_apart, read_run
    from qfl.apps.report.page import render_page
    from qfl.apps.report.sections import run_page
    from qfl.files import write_atomically

    runs = name_apart([read_run(folder) for folder in folders])
    page = run_page(runs[0], data_folder) if len(runs) == 1 else comparison_page(runs)
    if attacks is not None:
        page = replace(page, sections=[*page.sections, read_attacks(attacks)])
    path = out if out.suffix == ".html" else out / "report.html"
    write_atomically(path, render_page(page).encode())
    if path != out:
        write_pictures(out, page.pictures)
        for run in runs:
            write_atomically(out / f"{run.name}.toml", job_toml(run.job).encode())
    click.echo(f"the page is {path}")
