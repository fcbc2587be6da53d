"""How a round's updates become a decision, in different ways side by side: what it costs everybody.

All variants run in one process on one machine, on the same chain program and the same IPFS node, and decide about the
same updates: clients train once, and what they have trained is encoded, signed, committed and revealed by the clients'
own code in every variant and repetition. docs/results/measurements.md says what every figure is.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from rich.table import Table

from experiments.consensus.decide import Figures, measure_round
from experiments.consensus.variants import SHARDS, VARIANTS, build_site
from experiments.figures import save, spread
from experiments.jobs import changed
from qfl.devnet.config import DevnetConfig
from qfl.devnet.devnet import Devnet
from qfl.protocol.types import TrainingResult, TrainingTask
from qfl.simulation.config import JobConfig
from qfl.simulation.prepare import prepare_job
from qfl.training.trainer import LocalTrainer, Trainer

NAME = "consensus.json"
ONE_STEP = {"steps": 1}
"""How long a client trains is not what is compared; the update is a real one all the same."""

Results = dict[str, dict[str, Any]]

LINES = (
    ("wall_seconds", "latency in one process, s", "{:.3f}"),
    ("critical_seconds", "latency, critical path, s", "{:.3f}"),
    ("block_seconds", "  blocks every 2 s", "{:.3f}"),
    ("messages", "messages", "{:,.0f}"),
    ("wire_bytes", "bytes on the wire", "{:,.0f}"),
    ("content_bytes", "  contents", "{:,.0f}"),
    ("transaction_bytes", "  transactions", "{:,.0f}"),
    ("event_bytes", "  events", "{:,.0f}"),
    ("rpc_bytes", "bytes of JSON-RPC", "{:,.0f}"),
    ("gas_beacon", "gas on the beacon", "{:,.0f}"),
    ("gas_shards", "gas on the shards", "{:,.0f}"),
    ("updates_verified", "updates a validator verifies", "{:,.1f}"),
    ("updates_verified_most", "  the busiest one", "{:,.0f}"),
    ("verify_cpu_seconds", "verification, CPU s a validator", "{:.4f}"),
    ("verify_cpu_seconds_most", "  the busiest one", "{:.4f}"),
    ("all_cpu_seconds", "all its work, CPU s a validator", "{:.4f}"),
    ("disk_bytes", "disk, bytes a validator", "{:,.0f}"),
)


class OneTraining(Trainer):
    """Trains once, on whoever asks first; everybody who asks later takes the same steps from the base that he has."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._trained: list[tuple[TrainingTask, TrainingResult]] = []

    def warm_up(self) -> None:
        """As the trainer itself."""
        self._trainer.warm_up()

    def train(self, tasks: Sequence[TrainingTask], clients: Sequence[int]) -> list[TrainingResult]:
        """Where a decision is a published model, the next round's base is another: moved by the same steps, all updates
        are as large as they were.
        """
        if not self._trained:
            self._trained = list(zip(tasks, self._trainer.train(tasks, range(len(clients))), strict=True))
        return [_moved(task, *self._trained[index]) for task, index in zip(tasks, clients, strict=True)]


def _moved(task: TrainingTask, before: TrainingTask, after: TrainingResult) -> TrainingResult:
    """What a task comes to by the step from `before` to `after`."""
    angles, weights = task.angles + after.angles - before.angles, task.weights + after.weights - before.weights
    return replace(after, angles=angles, weights=weights)


def bench_consensus(config: JobConfig, out: Path, repetitions: int, announce: Callable[[str], None]) -> Results:
    """Measure every variant, in turns, and write what it came to into `<out>/consensus.json`.

    Args:
        repetitions: measured rounds of each variant, from 1; one more goes ahead that is not measured.

    Raises:
        QflError: a part of the network does not do what it must.
    """
    config = changed(config, {"training": ONE_STEP, "rounds": 1})
    job, _, shares = prepare_job(config)
    trainer = OneTraining(LocalTrainer(job, shares))
    found: dict[str, list[tuple[Figures, dict[str, int]]]] = {variant.name: [] for variant in VARIANTS}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="qfl-consensus-")))
        accounts = 1 + config.clients + config.validators
        chains = DevnetConfig(folder / "devnet", accounts=accounts, shard_chains=SHARDS)
        devnet = stack.enter_context(Devnet(chains))
        sites = []
        for variant in VARIANTS:
            announce(f"deploying {variant.title}")
            sites.append(build_site(variant, config, job, devnet, folder / variant.name, trainer, stack))
        for repetition in range(1 + repetitions):
            for site in sites:
                announce(f"{site.variant.title}: {f'round {repetition}' if repetition else 'a round to warm up'}")
                measured = measure_round(site)
                if repetition:
                    found[site.variant.name].append(measured)
    results = {name: summarise(rounds) for name, rounds in found.items()}
    for result in results.values():
        result["less_than_flat"] = compare(result, results["flat"])
    document = {"clients": config.clients, "validators": config.validators, "rounds": repetitions, "variants": results}
    save(out / NAME, document)
    return results


def summarise(rounds: Sequence[tuple[Figures, Mapping[str, int]]]) -> dict[str, Any]:
    """Median, least and most of every figure over the rounds; of gas by transaction the median."""
    figures = {name: spread([figures[name] for figures, _ in rounds]) for name in rounds[0][0]}
    labels = sorted({label for _, gas in rounds for label in gas})
    gas = {label: round(median(gas.get(label, 0) for _, gas in rounds)) for label in labels}
    return {"figures": figures, "gas": gas}


def compare(result: Mapping[str, Any], flat: Mapping[str, Any]) -> dict[str, float]:
    """By which share each figure's median is below the flat one's: 0.75 is a quarter of it, less than 0 is more."""
    return {
        name: round(1 - values["median"] / flat["figures"][name]["median"], 4)
        for name, values in result["figures"].items()
        if flat["figures"][name]["median"]
    }


def consensus_table(results: Results) -> Table:
    """A line for each figure, a column for each variant: median, and how much less that is than in the flat one."""
    table = Table("", *(variant.title for variant in VARIANTS), title="One round's decision")
    for name, title, pattern in LINES:
        cells = []
        for variant in VARIANTS:
            result = results[variant.name]
            less = "" if variant.is_flat else f" ({-result['less_than_flat'].get(name, 0.0):+.0%})"
            cells.append(pattern.format(result["figures"][name]["median"]) + less)
        table.add_row(title, *cells)
    return table
