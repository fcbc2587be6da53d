"""`qfl export`: a run's model as a circuit for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from qfl.apps.cli import numbers, options
from qfl.apps.cli.services import find_services


@click.command()
@options.run_or_network
@click.option("--round", "number", type=numbers.ROUND, help="Whose model; the last one published unless given.")
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
    from qfl.files import write_atomically
    from qfl.node.standing import read_standing
    from qfl.quantum.export import export_model
    from qfl.storage.ipfs import IpfsStore

    with find_services(run_folder, rpc, ipfs, deployment, shard_rpcs=shard_rpcs) as services:
        ledger = options.open_ledger(services.rpc, services.deployment, services.shard_rpcs)
        model = read_standing(ledger, IpfsStore(services.ipfs), number)
    write_atomically(out, export_model(model.job.architecture, model.angles, model.weights, form))
    click.echo(f"the model of round {model.round} is in {out}")
