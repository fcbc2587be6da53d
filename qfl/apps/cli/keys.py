"""`qfl key` and `qfl zk`: LMS key files, and the keys of private mode's proofs."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from qfl.apps.cli import options

if TYPE_CHECKING:
    from qfl.crypto.norm.keys import NormKeys

path = click.argument("path", type=options.PATH)
lanes = click.option(
    "--lanes",
    type=click.IntRange(min=1),
    required=True,
    help="Coordinates of the model; the next larger circuit is taken.",
)
out = click.option("--out", type=options.PATH, help="Folder of the keys.  [default: .qfl/zk/norm-<capacity>]")
folder = click.argument("folder", type=options.PATH)


@click.group()
def key() -> None:
    """Make and look at LMS key files."""


@key.command()
@path
@click.option("--height", type=options.KEY_HEIGHT, default=10, help="2^height signatures.")
def new(path: Path, height: int) -> None:
    """Make a key file (mode 0600)."""
    from qfl.crypto.keyfile import KeyFile

    with KeyFile.create(path, height) as made:
        click.echo(f"{path}: {made.remaining} signatures, identifier {made.public.identifier.hex()}")


@key.command()
@path
@options.as_json
def show(path: Path, as_json: bool) -> None:
    """Print a key file's public key and what is left of it."""
    from qfl.crypto.keyfile import KeyFile

    with KeyFile.open(path) as opened:
        public = opened.public
        values = {
            "identifier": "0x" + public.identifier.hex(),
            "root": "0x" + public.root.hex(),
            "height": public.height,
            "next_leaf": opened.next_leaf,
            "remaining": opened.remaining,
        }
    _print(values, as_json, "{}: {}")


@click.group()
def zk() -> None:
    """Make, import and check the keys of private mode, for circuits of 64, 256, 1,024 or 4,096 lanes."""


@zk.command()
@lanes
@out
@options.as_json
def setup(lanes: int, out: Path | None, as_json: bool) -> None:
    """Make keys for a devnet. Whoever makes them could forge proofs: anywhere else, import a ceremony's."""
    from qfl.crypto.norm.keys import NormKeys, capacity_for, default_folder

    capacity = capacity_for(lanes)
    started = perf_counter()
    keys = NormKeys.setup(capacity, out or default_folder(capacity))
    _show(keys, as_json, seconds=round(perf_counter() - started, 1))
    click.echo("one party made these keys and could forge proofs: use them on devnets only", err=True)


@zk.command("import")
@click.argument("zkey", type=options.PATH)
@lanes
@out
@options.as_json
def import_ceremony(zkey: Path, lanes: int, out: Path | None, as_json: bool) -> None:
    """Take over a ceremony's final ZKEY, made by snarkjs over qfl/crypto/norm/circuits/norm_<capacity>.circom."""
    from qfl.crypto.norm.keys import NormKeys, capacity_for, default_folder

    capacity = capacity_for(lanes)
    _show(NormKeys.setup(capacity, out or default_folder(capacity), zkey), as_json)


@zk.command()
@folder
@options.as_json
def verify(folder: Path, as_json: bool) -> None:
    """Check every point of the verifying key in FOLDER, and print the digest to compare with the contract's."""
    from qfl.crypto.norm.keys import NormKeys

    _show(NormKeys.open(folder), as_json)


@zk.command()
@folder
@click.option("--times", type=click.IntRange(1, 10_000), default=5, help="Proofs to make.")
@options.as_json
def bench(folder: Path, times: int, as_json: bool) -> None:
    """Prove and verify a full vector with the keys in FOLDER; the medians in seconds."""
    import numpy as np

    from qfl import NormKeys, Prover
    from qfl.crypto.norm.statement import NormStatement, commit_lanes
    from qfl.crypto.norm.verify import verify_norm_proof

    keys = NormKeys.open(folder)
    vector = np.full(keys.capacity, -(2**15))
    turns = []
    with Prover(keys) as prover:
        for salt in range(times):
            start = perf_counter()
            commitment = commit_lanes(vector, keys.capacity, salt)
            committed = perf_counter()
            statement = NormStatement(commitment, context=1, norm_bound=keys.capacity * 2**30, lane_bits=16)
            proof = prover.prove(vector, salt, statement)
            proven = perf_counter()
            verify_norm_proof(keys.verifying_key, statement, proof)
            turns.append((committed - start, proven - committed, perf_counter() - proven))
    commit, prove, verified = (round(median(seconds), 3) for seconds in zip(*turns, strict=True))
    _show(keys, as_json, commit=commit, prove=prove, verify=verified)


def _show(keys: NormKeys, as_json: bool, **more: object) -> None:
    shown = {
        "folder": str(keys.folder),
        "capacity": keys.capacity,
        "made by": keys.origin,
        "proving key": f"{keys.proving_key.stat().st_size / 1e6:.1f} MB",
        "key digest": "0x" + keys.digest.hex(),
        **more,
    }
    _print(shown, as_json, "{:12} {}")


def _print(values: dict[str, Any], as_json: bool, line: str) -> None:
    if as_json:
        options.print_json(values)
    else:
        click.echo("\n".join(line.format(name, value) for name, value in values.items()))
