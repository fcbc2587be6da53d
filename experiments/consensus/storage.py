"""Disk over a long run, with and without letting go of what is final: does a node's disk stop growing?

All roles of a run share one IPFS node, so its repository is measured whole, and every role's folder by itself. The
chain keeps its history whatever the roles do: its state is told apart. What a validator of one shard has to hold, and
what it would have to hold if it verified everything, follows from the rounds that are kept and the size of an update.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

from rich.console import Console
from rich.table import Table

from experiments.consensus.two_runs import run_each
from experiments.figures import save
from qfl.chain.parameters import load_parameters
from qfl.node.pruner import read_released
from qfl.protocol.content import HEADER_BYTES, plain_bytes
from qfl.simulation.config import JobConfig
from qfl.simulation.display import Display
from qfl.simulation.driver import RoundOutcome
from qfl.simulation.prepare import prepare_job
from qfl.simulation.run import Place

MODEL_LANE_BYTES = 4


@dataclass(frozen=True)
class Disk:
    """Bytes on disk after a round; `chain` is the chain program's last dump, `kept` counts rounds not let go."""

    round: int
    kept: int
    ipfs: int
    ipfs_files: int
    validator: float
    client: float
    chain: int
    shard_content: float
    flat_content: float

    @property
    def node(self) -> float:
        """What a validator's node has: its folder, and the repository that it shares with everybody here."""
        return self.ipfs + self.validator


class DiskMeter(Display):
    """A display that measures the run's folder after each round."""

    def __init__(self, console: Console, folder: Path, config: JobConfig) -> None:
        super().__init__(console, config.rounds)
        self.disks: list[Disk] = []
        self._folder = folder
        self._shards = load_parameters(**config.parameters()).rounds["shards"]
        coordinates = prepare_job(config)[0].architecture.shape.total
        self._update_bytes = plain_bytes(coordinates, config.lane_bits)
        self._model_bytes = HEADER_BYTES + coordinates * MODEL_LANE_BYTES

    def finished(self, outcome: RoundOutcome, accuracy: float) -> None:
        """Measure what the round has left on disk."""
        super().finished(outcome, accuracy)
        validators = sorted((self._folder / "roles").glob("validator-*"))
        clients = sorted((self._folder / "roles").glob("client-*"))
        kept = outcome.round - min(read_released(folder) for folder in validators)
        updates, models = kept * outcome.included * self._update_bytes, (kept + 1) * self._model_bytes
        repository = self._folder / "devnet" / "ipfs"
        disk = Disk(
            round=outcome.round,
            kept=kept,
            ipfs=folder_bytes(repository),
            ipfs_files=sum(1 for path in repository.rglob("*") if path.is_file()),
            validator=mean(map(folder_bytes, validators)),
            client=mean(map(folder_bytes, clients)),
            chain=self._chain_bytes(),
            shard_content=updates / self._shards + kept * self._model_bytes + models,
            flat_content=updates + kept * self._shards * self._model_bytes + models,
        )
        self.disks.append(disk)

    def _chain_bytes(self) -> int:
        """The chain program's last dump; while it writes the next one, the one before counts."""
        dumped = sum(map(folder_bytes, (self._folder / "devnet").glob("*state.json")))
        return dumped or (self.disks[-1].chain if self.disks else 0)


def bench_storage(
    config: JobConfig, keep_rounds: int, folder: Path, console: Console, overwrite: bool = False
) -> dict[str, list[Disk]]:
    """Run the job keeping everything, and with a window of `keep_rounds` final rounds, in `<folder>/<name>`.

    Writes what each round left on disk into `<folder>/storage.json`.

    Raises:
        QflError: one of the runs did not end well.
    """
    jobs = {"all": replace(config, keep_rounds=0), "window": replace(config, keep_rounds=keep_rounds)}
    meters: dict[str, DiskMeter] = {}

    def measuring(name: str) -> DiskMeter:
        console.print(f"keeping {jobs[name].keep_rounds or 'all'} final rounds", highlight=False)
        meters[name] = DiskMeter(console, folder / name, config)
        return meters[name]

    found = {name: meters[name].disks for name, _ in run_each(jobs, Place(folder, overwrite=overwrite), measuring)}
    save(folder / "storage.json", as_document(found))
    return found


def as_document(found: Mapping[str, Sequence[Disk]]) -> dict[str, Any]:
    """Everything that was measured, and the growth of a node's disk at the end, bytes a round."""
    growth = {name: growth_at_the_end(disks) for name, disks in found.items()}
    return {"growth": growth, "rounds": {name: [asdict(disk) for disk in disks] for name, disks in found.items()}}


def growth_at_the_end(disks: Sequence[Disk]) -> float:
    """Bytes a round that a validator's node has grown by over the last half of the run."""
    later = disks[len(disks) // 2 :]
    return (later[-1].node - later[0].node) / max(1, len(later) - 1)


def storage_table(found: Mapping[str, Sequence[Disk]]) -> Table:
    """A line for every fifth round of each run, and the last."""
    table = Table("round", "run", "kept", "IPFS", "validator", "client", "1 shard", "flat", "chain, MiB")
    table.title = "Disk, KiB; 1 shard, flat: contents that a validator has to hold, of one shard and of all"
    for name, disks in found.items():
        for disk in disks:
            if disk.round % 5 == 0 or disk.round in (1, disks[-1].round):
                sizes = disk.ipfs, disk.validator, disk.client, disk.shard_content, disk.flat_content
                cells = [f"{size / 2**10:,.1f}" for size in sizes] + [f"{disk.chain / 2**20:,.1f}"]
                table.add_row(str(disk.round), name, str(disk.kept), *cells)
    growth = ", ".join(f"{name}: {growth_at_the_end(disks):+,.0f}" for name, disks in found.items())
    table.caption = f"growth of a validator's node over the last half of the run, bytes a round: {growth}"
    return table


def folder_bytes(path: Path) -> int:
    """Sizes of the files in a folder, or of one file; what vanishes meanwhile has none."""
    total = 0
    for file in (path, *path.rglob("*")):
        try:
            total += file.stat().st_size if file.is_file() else 0
        except FileNotFoundError:
            continue
    return total
