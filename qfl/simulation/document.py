"""What a run says of itself: its event log, and `report.json`, which is built from that alone.

The log is one JSON object a line, whole lines only, so that a run cut short can go on.
"""

import json
import threading
import time
from collections import defaultdict
from dataclasses import asdict
from itertools import takewhile
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.chain.ledger import Ledger
from qfl.chain.parameters import load_parameters
from qfl.chain.rpc.calls import Receipt
from qfl.client.update import NormProver
from qfl.crypto.kem import PUBLIC_KEY_BYTES
from qfl.crypto.norm.statement import NormStatement
from qfl.crypto.sealed import sealed_bytes
from qfl.files import read_json_lines, write_atomically
from qfl.node.standing import published_rounds
from qfl.protocol.cid import cid_of
from qfl.protocol.content import HEADER_BYTES, plain_bytes
from qfl.protocol.types import ModelShape
from qfl.simulation.config import JobConfig
from qfl.training.differential_privacy import DELTA, spent_epsilon
from qfl.training.job import JobDocument
from qfl.training.recipe import TrainingConfig


class EventLog:
    """Appends events to a file and keeps them for the report."""

    def __init__(self, path: Path) -> None:
        """Open the log; what an earlier process wrote is read back, a torn last line is dropped."""
        self._path, self._lock = path, threading.Lock()
        self.events: list[dict[str, Any]] = []
        if path.exists():
            self.events += takewhile(lambda event: isinstance(event, dict) and "event" in event, read_json_lines(path))
        write_atomically(path, "".join(json.dumps(event) + "\n" for event in self.events).encode())

    def add(self, kind: str, **values: Any) -> None:
        event = {"time": round(time.time(), 3), "event": kind, **values}
        with self._lock:
            self.events.append(event)
            with self._path.open("a") as file:
                file.write(json.dumps(event) + "\n")

    def add_receipt(self, receipt: Receipt) -> None:
        self.add("transaction", **asdict(receipt))

    def of(self, kind: str) -> list[dict[str, Any]]:
        """All events of a kind, oldest first."""
        return [event for event in self.events if event["event"] == kind]


class TimedProver:
    """A `NormProver` that logs an event "proof" with its seconds for every proof."""

    def __init__(self, prover: NormProver, events: EventLog) -> None:
        self._prover, self._events = prover, events
        self._one_at_a_time = threading.Lock()

    @property
    def capacity(self) -> int:
        return self._prover.capacity

    def prove(self, lanes: NDArray[np.integer], salt: int, statement: NormStatement) -> bytes:
        with self._one_at_a_time:  # the prover is one process: waiting for it is no proving
            start = time.perf_counter()
            proof = self._prover.prove(lanes, salt, statement)
            self._events.add("proof", seconds=round(time.perf_counter() - start, 4))
        return proof


def write_report(folder: Path, config: JobConfig, job: JobDocument, ledger: Ledger, events: EventLog) -> dict[str, Any]:
    """Build the report and write it to `<folder>/report.json`."""
    standing = set(published_rounds(ledger))
    rounds = [_round(event, events) for event in events.of("round") if event["round"] in standing]
    rolled_back = [event["round"] for event in events.of("round") if event["round"] not in standing]
    seats = load_parameters(**config.parameters()).rounds["seats"]
    report = {
        "config": {**asdict(config), "architecture": job.architecture.document, "recipe": asdict(job.training)},
        "complete": len(rounds) >= config.rounds,
        "rounds": rounds,
        "failed_rounds": [
            *({"round": event["round"], "reason": event["reason"]} for event in events.of("round_failed")),
            *({"round": number, "reason": "rolled back by a proven fault"} for number in rolled_back),
        ],
        "disputes": [
            {name: value for name, value in event.items() if name not in ("time", "event")}
            for event in events.of("dispute")
        ],
        "central": next(iter(events.of("central")), None),
        "gas": gas_by_function(events.of("transaction")),
        "bytes": _traffic(events, job.architecture.shape, lane_bits=config.lane_bits, seats=seats),
        "privacy": _privacy(job.training, len(rounds) + len(rolled_back) + len(events.of("round_failed"))),
        "proof_seconds": [event["seconds"] for event in events.of("proof")],
        "transactions": len(events.of("transaction")),
        "final": _final(ledger, rounds),
    }
    write_atomically(folder / "report.json", (json.dumps(report, indent=2) + "\n").encode())
    return report


def gas_by_function(transactions: list[dict[str, Any]]) -> dict[str, list[int]]:
    """The gas of every transaction, from its receipt, by function."""
    gas: dict[str, list[int]] = defaultdict(list)
    for transaction in transactions:
        gas[transaction["label"]].append(transaction["gas"])
    return dict(gas)


def _round(event: dict[str, Any], events: EventLog) -> dict[str, Any]:
    number = event["round"]
    sizes = [size for entry in events.of("updates") if entry["round"] == number for size in entry["bytes"].values()]
    spent = [entry for entry in events.of("transaction") if entry["round"] == number]
    return {
        **{name: event[name] for name in ("round", "accuracy", "loss", "included", "seconds")},
        "cpu_seconds": event.get("cpu_seconds", {}),  # missing from a round that an older version ran
        "dynamics": event.get("dynamics"),
        "missed": event.get("missed", []),
        "agreement": event.get("agreement", []),
        "saturated": event.get("saturated", 0),
        "update_bytes": mean(sizes) if sizes else None,
        "gas": {name: sum(values) for name, values in gas_by_function(spent).items()},
    }


def _privacy(recipe: TrainingConfig, updates: int) -> dict[str, Any] | None:
    """What differential privacy a client has that took part in every round, those included that came to nothing."""
    if not recipe.privacy_noise:
        return None
    epsilon = spent_epsilon(recipe.privacy_noise, updates)
    return {"clip": recipe.privacy_clip, "noise": recipe.privacy_noise, "epsilon": epsilon, "delta": DELTA}


def _final(ledger: Ledger, rounds: list[dict[str, Any]]) -> dict[str, Any] | None:
    if not rounds:
        return None
    record = ledger.beacon.round_at(ledger.beacon.head_round())
    return {
        "accuracy": rounds[-1]["accuracy"],
        "round": record.number,
        "model_root": "0x" + record.model_root.hex(),
        "model_digest": "0x" + record.content_digest.hex(),
        "cid": cid_of(record.content_digest),
        "state": record.state.name.lower(),
    }


def _traffic(events: EventLog, shape: ModelShape, *, lane_bits: int, seats: int) -> dict[str, Any]:
    """Bytes of every client in every round it committed in, and the most of any.

    Up: the signed commit and reveal transactions, whole, and the update's content object, sealed to all `seats` in the
    private mode. Events say how large the objects were; one they do not have is counted with plain lanes, the most
    it can be. Down: the base model's, and in the private mode the seats' public keys.
    """
    logged = events.of("updates")
    sizes = {(client, event["round"]): size for event in logged for client, size in event["bytes"].items()}
    plain, model = plain_bytes(shape.total, lane_bits), HEADER_BYTES + 4 * shape.total
    most = {"commit": 0, "reveal": plain, "reveal_private": sealed_bytes(plain, seats)}
    up: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    down: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(lambda: model))
    for transaction in events.of("transaction"):
        if (label := transaction["label"]) in most:
            client, number = str(transaction["participant"]), transaction["round"]
            stored = 0 if label == "commit" else sizes.get((client, number), most[label])
            up[client][number] += transaction["size"] + stored
            down[client][number] += seats * PUBLIC_KEY_BYTES if label == "reveal_private" else 0
    return {
        "client_up_per_round": max((count for counts in up.values() for count in counts.values()), default=0),
        "client_down_per_round": max((count for counts in down.values() for count in counts.values()), default=0),
        "client_up": _by_client(up),
        "client_down": _by_client(down),
    }


def _by_client(counts: dict[str, dict[int, int]]) -> dict[str, list[int]]:
    return {client: list(rounds.values()) for client, rounds in sorted(counts.items(), key=lambda entry: int(entry[0]))}
