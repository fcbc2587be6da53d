"""Rounds that are run on this machine, and what they cost."""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from typing import Any

from rich.console import Console

from experiments.scale.constants import STAGES, TRANSACTIONS, Costs, Pace
from experiments.scale.size import Size
from qfl.simulation.config import JobConfig
from qfl.simulation.display import Display
from qfl.simulation.document import EventLog
from qfl.simulation.run import Place, run_job

ROUNDS = 7
SAMPLES_A_CLIENT = 16
"""Every client takes the same number of steps, however many clients share the data set."""
YARDSTICK = Size(12, 14, 2, 7)
"""Run between all others: a machine's pace changes from minute to minute, by a quarter where others share it."""
KEY_HEIGHT = 5
"""Keys that last for the few rounds, and are made quickly."""


def measure_beside_yardstick(sizes: Sequence[Size], announce: Callable[[str], None]) -> list[tuple[Costs, Pace]]:
    """Run all sizes, each with the pace of the yardstick around it: the mean of the runs before and after."""
    yardsticks, found = [measure(YARDSTICK, announce)], []
    for size in sizes:
        found.append(measure(size, announce))
        yardsticks.append(measure(YARDSTICK, announce))
    paces = [yardstick.pace for yardstick in yardsticks]
    around = [Pace(mean(p.seconds for p in pair), mean(p.work for p in pair)) for pair in pairwise(paces)]
    return list(zip(found, around, strict=True))


def measure(size: Size, announce: Callable[[str], None]) -> Costs:
    """Run some rounds of a job of that size in a temporary folder, on a chain and IPFS node of its own."""
    announce(f"running {ROUNDS} rounds with {size}")
    with tempfile.TemporaryDirectory(prefix="qfl-simulate-") as folder:
        with Display(Console(quiet=True), ROUNDS) as display:
            report = run_job(_job(size), Place(Path(folder)), display)
        events = EventLog(Path(folder) / "events.jsonl").of("transaction")
    return summarise(size, report["rounds"], events)


def summarise(size: Size, rounds: list[dict[str, Any]], transactions: list[dict[str, Any]]) -> Costs:
    """What the rounds of a report and its log of transactions come to.

    Of each stage and role the median round counts: one that is disturbed does not, and the fastest one would flatter
    short stages, which fit into a moment when the machine is fast. Gas and bytes are means.
    """
    gas: dict[str, float] = defaultdict(float)
    sent: dict[str, float] = defaultdict(float)
    for transaction in transactions:
        if transaction["label"] in TRANSACTIONS:
            gas[transaction["label"]] += transaction["gas"] / len(rounds)
            sent[transaction["label"]] += transaction["size"] / len(rounds)
    roles = {role for entry in rounds for role in entry["cpu_seconds"]}
    return Costs(
        size,
        {stage: median(entry["seconds"].get(stage, 0.0) for entry in rounds) for stage in STAGES},
        {role: median(sum(entry["cpu_seconds"].get(role, {}).values()) for entry in rounds) for role in sorted(roles)},
        dict(gas),
        dict(sent),
        mean(entry["update_bytes"] for entry in rounds),
    )


def _job(size: Size) -> JobConfig:
    return JobConfig(
        clients=size.clients,
        validators=size.validators,
        rounds=ROUNDS,
        limit=SAMPLES_A_CLIENT * size.clients,
        key_height=KEY_HEIGHT,
        central_epochs=0,
        protocol={"shards": size.shards, "seats": size.seats},
    )
