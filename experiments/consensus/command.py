"""`qfl bench consensus`, `scale` and `engine`: what a decision costs, how shards share work, how fast circuits run."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.console import make_console, print_result
from qfl.apps.cli import numbers, options
from qfl.errors import InvalidInput
from qfl.simulation.config import JobConfig

KEY_HEIGHT = 5
"""Leaves enough for the rounds measured, and a key takes a twentieth of a second to make."""


@click.command()
@click.option("--clients", type=click.IntRange(1, 256), default=32, help="Updates of a round.")
@click.option("--validators", type=click.IntRange(16, 256), default=16, help="Number of validators.")
@click.option("--repetitions", type=click.IntRange(1, 5), default=3, help="Rounds of each variant.")
@click.option("--seed", type=numbers.SEED, default=1, help="Decides data and training.")
@click.option("--out", type=options.PATH, default=Path("runs/bench"), help="Folder for consensus.json.")
@options.as_json
def consensus(clients: int, validators: int, repetitions: int, seed: int, out: Path, as_json: bool) -> None:
    """How a round is decided: flat, by a committee (LMS, BLS), by 4 shards on one chain and on 4."""
    from experiments.consensus.consensus import NAME, bench_consensus, consensus_table

    config = JobConfig(clients=clients, validators=validators, rounds=1, seed=seed, key_height=KEY_HEIGHT)
    with make_console(as_json).status("") as status:
        results = bench_consensus(config, out, repetitions, status.update)
    print_result(
        results,
        as_json,
        consensus_table,
        note=f"medians, less than flat in brackets; with their spread in {out / NAME}",
    )


@click.command()
@click.option("--updates", type=click.IntRange(1, 128), default=32, help="Of a shard in a round.")
@click.option("--repeats", type=click.IntRange(1, 10_000), default=40, help="Rounds in a measurement.")
@click.option("--repetitions", type=click.IntRange(1, 10_000), default=3, help="Measurements of each.")
@click.option("--out", type=options.PATH, default=Path("runs/bench"), help="Folder for scale.json.")
@options.as_json
def scale(updates: int, repeats: int, repetitions: int, out: Path, as_json: bool) -> None:
    """1, 2, 4 and 8 shards, each on a chain of its own: updates a second, gas, processor seconds."""
    from experiments.consensus.scale import NAME, bench_scale, scale_table

    with make_console(as_json).status("") as status:
        results = bench_scale(out, updates, repeats, repetitions, status.update)
    print_result(results, as_json, scale_table, note=f"medians; these figures are in {out / NAME}")


@click.command()
@click.option("--repetitions", type=click.IntRange(1, 10_000), default=15, help="Turns of each, of five steps.")
@click.option("--peer", "peers", multiple=True, help="NAME=PYTHON: pennylane or tensorcircuit, where it is installed.")
@click.option("--out", type=options.PATH, default=Path("runs/bench"), help="Folder for engine.json.")
@options.as_json
def engine(repetitions: int, peers: tuple[str, ...], out: Path, as_json: bool) -> None:
    """The fused engine beside stock TorchQuantum and peers: a step, forward and backward, in one thread."""
    from experiments.learning.engine import CASES, NAME, PEERS, bench_engine, engine_table

    pythons = dict(peer.partition("=")[::2] for peer in peers)
    for name, python in pythons.items():
        if name not in PEERS or not python:
            raise InvalidInput("peer", f"{name}={python}", f"give NAME=PYTHON, a name of {', '.join(PEERS)}")
    with make_console(as_json).status("") as status:
        results = bench_engine(out, repetitions, pythons, CASES, status.update)
    print_result(
        results, as_json, engine_table, note=f"medians, how many times the fused engine's in brackets; {out / NAME}"
    )
