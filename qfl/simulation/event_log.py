"""The event log of a run: one JSON object a line, whole lines only, so that a run cut short can go on."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict
from itertools import takewhile
from pathlib import Path
from typing import Any

from qfl.chain.rpc.calls import Receipt
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
        """Append an event."""
        event = {"time": round(time.time(), 3), "event": kind, **values}
        with self._lock:
            self.events.append(event)
            with self._path.open("a") as file:
                file.write(json.dumps(event) + "\n")

    def add_receipt(self, receipt: Receipt) -> None:
        """Append a transaction."""
        self.add("transaction", **asdict(receipt))

    def of(self, kind: str) -> list[dict[str, Any]]:
        """All events of a kind, oldest first."""
        return [event for event in self.events if event["event"] == kind]
