"""`qfl bench bytes`: what a client sends until the model is good."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.console import make_console, print_result
from qfl.apps.cli import numbers, options
from qfl.apps.cli.job import job
from qfl.simulation.config import JobConfig


@click.command("bytes")
@job(
    "dataset data_folder partition clients rounds key_height seed",
    rounds="Most rounds; the schedule of the learning rate is over them.  [default: {0.rounds}]",
    seed="The first one; decides data, training and rounding.  [default: {0.seed}]",
)
@click.option("--target", type=numbers.SHARE, default=0.9, help="Accuracy to reach.")
@click.option("--seeds", type=click.IntRange(1, 10_000), default=5, help="How many, from --seed on.")
@click.option("--way", "ways", multiple=True, help="One of the table's; repeat.  [default: all]")
@click.option("--out", type=options.PATH, default=Path("runs/bench"), help="Folder for bytes.json.")
@options.as_json
def bytes_sent(
    config: JobConfig, *, target: float, seeds: int, ways: tuple[str, ...], out: Path, as_json: bool
) -> None:
    """Lanes and LMS signatures beside float32 and ML-DSA-65: bytes until the model reaches --target."""
    from experiments.learning.bytes import NAME, WAYS, as_document, bench_bytes, bytes_table

    range_of_seeds = range(config.seed, config.seed + seeds)
    with make_console(as_json).status("") as status:
        runs = bench_bytes(config, ways or tuple(WAYS), range_of_seeds, target, out, status.update)
    document = as_document(config, target, runs)
    print_result(document, as_json, bytes_table, note=f"means of the seeds; every run is in {out / NAME}")
