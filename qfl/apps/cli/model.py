"""`qfl evaluate` and `qfl export`: how well a run's model does, and its circuit for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qfl.apps.cli import options
from qfl.apps.cli.network import Source
from qfl.quantum.config import MAX_SHOTS, MAX_TRAJECTORIES, DeviceConfig

if TYPE_CHECKING:
    from qfl.quantum.architecture import Architecture
    from qfl.training.data.datasets import LabelledData

Rates = tuple[float, float]


def two_rates(context: click.Context, parameter: click.Parameter, value: str | None) -> Rates | None:
    """One probability for both of two cases, "0.01", or one for each, "0.001,0.01"."""
    if value is None:
        return None
    try:
        first, *rest = (float(part) for part in value.split(","))
        (second,) = rest or (first,)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is neither a number nor two with a comma", context, parameter) from error
    if not (0 <= first <= 1 and 0 <= second <= 1):
        raise click.BadParameter(f"{value!r} is no probability: it goes from 0 to 1", context, parameter)
    return first, second


@click.command()
@options.take(source=Source)
@options.number
@options.job_files
@click.option(
    "--data",
    "own",
    type=options.PATH,
    help="An .npz file of test samples, x [n, features] and y [n]; a run's own test set unless given.",
)
@click.option(
    "--shots", type=click.IntRange(1, MAX_SHOTS), help="Measurements for each sample; infinitely many unless given."
)
@click.option(
    "--depolarising",
    metavar="P[,P]",
    callback=two_rates,
    help="Probability that a gate errs, on one wire and on more.  [default: 0]",
)
@click.option(
    "--readout", metavar="P[,P]", callback=two_rates, help="Probability to read 1 for 0, and 0 for 1.  [default: 0]"
)
@click.option(
    "--trajectories",
    type=click.IntRange(1, MAX_TRAJECTORIES),
    default=128,
    help="Random draws of gate errors that the shots share.",
)
@click.option("--repetitions", type=click.IntRange(1, 10_000), default=5, help="Evaluations on the device.")
@click.option("--seed", type=options.SEED, default=1, help="Decides shots and errors.")
@options.as_json
def evaluate(
    source: Source,
    number: int | None,
    *,
    own: Path | None,
    repetitions: int,
    seed: int,
    as_json: bool,
    **device_options: Any,
) -> None:
    """Evaluate a run's model on test data: exactly, and with shots or errors as on a device, too."""
    from qfl.node.standing import read_standing
    from qfl.storage.ipfs import IpfsStore
    from qfl.training.training import evaluate as evaluate_exactly
    from qfl.training.training import try_on_device

    device = _device(**device_options)
    with source.network() as network:
        model = read_standing(network.ledger(), IpfsStore(network.ipfs), number)
    test = _test_set(own, source.run_folder, model.job.architecture)
    subject = model.job.architecture, model.angles, model.weights, test
    exact = evaluate_exactly(*subject)
    trial = None if device is None else try_on_device(*subject, device, repetitions, seed)
    found = {"round": model.round, "samples": len(test.labels), "accuracy": exact.accuracy, "loss": exact.loss}
    if as_json:
        options.print_json({**found, "device": trial})
        return
    click.echo(f"the model of round {model.round} on {len(test.labels)} test samples")
    click.echo(f"exactly        {exact.accuracy:7.2%}           loss {exact.loss:.3f}")
    if trial is not None:
        accuracy, loss = trial["accuracy"], trial["loss"]
        click.echo(
            f"on the device  {accuracy['mean']:7.2%} ± {accuracy['deviation']:.2%}   loss {loss['mean']:.3f} ± "
            f"{loss['deviation']:.3f}   ({repetitions} repetitions)"
        )


def _device(
    *, shots: int | None, depolarising: Rates | None, readout: Rates | None, trajectories: int
) -> DeviceConfig | None:
    if (shots, depolarising, readout) == (None, None, None):
        return None
    return DeviceConfig(shots, *(depolarising or (0.0, 0.0)), trajectories, *(readout or (0.0, 0.0)))


def _test_set(own: Path | None, run: Path | None, model: Architecture) -> LabelledData:
    from qfl.errors import InvalidInput
    from qfl.simulation.folder import kept_config
    from qfl.simulation.prepare import prepare_job
    from qfl.training.data.own import load_own

    if own is not None:
        return load_own(own, model.features, model.classes, model.encoder.is_angular)
    if run is None:
        raise InvalidInput("data", None, "pass a file of test samples, or --run with a run's folder")
    return prepare_job(kept_config(run))[1].test


@click.command()
@options.take(source=Source)
@options.number
@options.job_files
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
