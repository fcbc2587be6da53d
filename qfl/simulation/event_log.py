"""The event log of a run: one JSON object a line, whole lines only, so that a run cut short can go on."""

import json
import threading
import time
from dataclasses import asdict
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.chain.rpc.calls import Receipt
from qfl.client.update import NormProver
from qfl.crypto.norm.statement import NormStatement
from qfl.files import read_json_lines, write_atomically


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
