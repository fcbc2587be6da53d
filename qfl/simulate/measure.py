"""Rounds that are run on this machine, and what they cost."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from rich.console import Console

from qfl.config import JobConfig
from qfl.report.display import Display
from qfl.report.log import EventLog
from qfl.run import Place, run_job
from qfl.simulate.laws import STAGES, TRANSACTIONS
from qfl.simulate.size import Size

ROUNDS = 5
SAMPLES_A_CLIENT = 16
"""Every client takes the same number of steps, however many clients share the data set."""
KEY_HEIGHT = 5
"""Keys that last for the few rounds, and are made quickly."""


@dataclass(frozen=True)
class Measured:
    """A round: wall `seconds` by stage, processor seconds of `work` by role, `gas` and `sent` bytes by kind;
    `update_bytes` is the size of an update's content object.

    Of each stage and role the fastest round counts: whatever else the machine does can only add. Gas and bytes are
    means.
    """

    size: Size
    seconds: Mapping[str, float]
    work: Mapping[str, float]
    gas: Mapping[str, float]
    sent: Mapping[str, float]
    update_bytes: float


def measure(size: Size, announce: Callable[[str], None]) -> Measured:
    """Run some rounds of a job of that size in a temporary folder, on a chain and IPFS node of its own."""
    announce(f"running {ROUNDS} rounds with {size}")
    with tempfile.TemporaryDirectory(prefix="qfl-simulate-") as folder:
        with Display(Console(quiet=True), ROUNDS) as display:
            report = run_job(_job(size), Place(Path(folder)), display)
        events = EventLog(Path(folder) / "events.jsonl").of("transaction")
    return summarise(size, report["rounds"], events)


def summarise(size: Size, rounds: list[dict[str, Any]], transactions: list[dict[str, Any]]) -> Measured:
    """What the rounds of a report and its log of transactions come to."""
    gas: dict[str, float] = defaultdict(float)
    sent: dict[str, float] = defaultdict(float)
    for transaction in transactions:
        if transaction["label"] in TRANSACTIONS:
            gas[transaction["label"]] += transaction["gas"] / len(rounds)
            sent[transaction["label"]] += transaction["size"] / len(rounds)
    roles = {role for entry in rounds for role in entry["cpu_seconds"]}
    return Measured(
        size,
        {stage: min(entry["seconds"].get(stage, 0.0) for entry in rounds) for stage in STAGES},
        {role: min(sum(entry["cpu_seconds"].get(role, {}).values()) for entry in rounds) for role in sorted(roles)},
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
