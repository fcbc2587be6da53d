"""`qfl export`: a run's model as a circuit for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from qfl.cli import options
from qfl.cli.services import find_services


@click.command()
@options.run_or_network
@click.option("--round", "number", type=click.IntRange(0), help="Whose model; the last one published unless given.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["qasm3", "qiskit"]),
    default="qasm3",
    help="OpenQASM 3 text, or a QPY file for Qiskit.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="File to write.")
def export(
    run_folder: Path | None,
    rpc: str | None,
    ipfs: str | None,
    deployment: Path | None,
    shard_rpcs: tuple[str, ...],
    number: int | None,
    form: str,
    out: Path,
) -> None:
    """Write a run's model as OpenQASM 3 or for Qiskit; a sample's numbers are its inputs."""
    from qfl.codec.state import from_state
    from qfl.errors import InvalidInput
    from qfl.files import write_atomically
    from qfl.job import fetch_job
    from qfl.quantum.export import export_model
    from qfl.roles.loop import published_rounds
    from qfl.roles.terms import read_model
    from qfl.storage.ipfs import IpfsStore
    from qfl.types import RoundNumber

    with find_services(run_folder, rpc, ipfs, deployment, shard_rpcs=shard_rpcs) as services:
        ledger = options.open_ledger(services.rpc, services.deployment, services.shard_rpcs)
        store = IpfsStore(services.ipfs)
        published = [RoundNumber(0), *published_rounds(ledger)]
        if number is not None and number not in published:
            raise InvalidInput("round", number, f"has no model that stands; the last one that has is {published[-1]}")
        chosen = published[-1] if number is None else RoundNumber(number)
        job = fetch_job(store, ledger.beacon.architecture_digest())
        model = read_model(ledger, store, chosen)
    write_atomically(out, export_model(job.architecture, *from_state(model.lanes, model.shape), form))
    click.echo(f"the model of round {chosen} is in {out}")
