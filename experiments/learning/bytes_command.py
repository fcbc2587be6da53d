"""`qfl bench bytes`: what a client sends until the model is good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qfl.apps.cli import numbers, options
from qfl.apps.cli.console import make_console
from qfl.simulation.config import find_config


@click.command("bytes")
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="TOML file; options replace its values.")
@click.option("--dataset", help="digits, mnist or fashion-mnist.  [default: digits]")
@click.option("--data-folder", help="Where torchvision's data sets are.  [default: data]")
@click.option("--partition", help="iid, dirichlet:ALPHA or classes:N.  [default: iid]")
@click.option("--clients", type=int, help="Number of clients.  [default: 5]")
@click.option("--rounds", type=int, help="Most rounds; the schedule of the learning rate is over them.  [default: 10]")
@click.option("--key-height", type=int, help="LMS tree height of the clients' keys: 5, 10 or 15.  [default: 10]")
@click.option("--target", type=numbers.SHARE, default=0.9, show_default=True, help="Accuracy to reach.")
@click.option("--seeds", type=click.IntRange(1, 10_000), default=5, show_default=True, help="How many, from --seed on.")
@click.option("--seed", type=int, help="The first one; decides data, training and rounding.  [default: 1]")
@click.option("--way", "ways", multiple=True, help="One of the table's; repeat.  [default: all]")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/bench"), help="Folder for bytes.json.")
@options.as_json
def bytes_sent(
    config_path: Path | None,
    target: float,
    seeds: int,
    ways: tuple[str, ...],
    out: Path,
    as_json: bool,
    **values: Any,
) -> None:
    """Lanes and LMS signatures beside float32 and ML-DSA-65: bytes until the model reaches --target."""
    from experiments.learning.bytes import NAME, WAYS, as_document, bench_bytes, bytes_table

    config = find_config(config_path, **values)
    console, range_of_seeds = make_console(as_json), range(config.seed, config.seed + seeds)
    with console.status("") as status:
        runs = bench_bytes(config, ways or tuple(WAYS), range_of_seeds, target, out, status.update)
    document = as_document(config, target, runs)
    if as_json:
        options.print_json(document)
    else:
        console.print(bytes_table(document))
        console.print(f"means of the seeds; every run is in {out / NAME}", highlight=False)
