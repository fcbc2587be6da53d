"""`qfl export`: a run's model as a circuit for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from qfl.apps.cli import options
from qfl.apps.cli.network import Source


@click.command()
@options.take(source=Source)
@options.number
@click.option(
    "--format",
    "form",
    type=click.Choice(["qasm3", "qiskit"]),
    default="qasm3",
    help="OpenQASM 3 text, or a QPY file for Qiskit.",
)
@click.option("--out", type=options.PATH, required=True, help="File to write.")
def export(source: Source, number: int | None, *, form: str, out: Path) -> None:
    """Write a run's model as OpenQASM 3 or for Qiskit; a sample's numbers are its inputs."""
    from qfl.files import write_atomically
    from qfl.node.standing import read_standing
    from qfl.quantum.export import export_model
    from qfl.storage.ipfs import IpfsStore

    with source.network() as network:
        model = read_standing(network.ledger(), IpfsStore(network.ipfs), number)
    write_atomically(out, export_model(model.job.architecture, model.angles, model.weights, form))
    click.echo(f"the model of round {model.round} is in {out}")
