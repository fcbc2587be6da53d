"""The event log of a run, read while the run writes it: what no chain knows, such as accuracy and processor seconds."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any


class RunLog:
    """Reads on from where it stopped. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._path, self._lock = folder / "events.jsonl", threading.Lock()
        self._clear()

    def read(self) -> tuple[dict[int, dict[str, Any]], dict[int, list[dict[str, Any]]]]:
        """The `round` events by round, and the `transaction` events by their round."""
        with self._lock:
            try:
                if self._path.stat().st_size < self._offset:  # the run was begun anew
                    self._clear()
                with self._path.open("rb") as file:
                    file.seek(self._offset)
                    data = file.read()
            except OSError:
                return {}, {}
            whole = data[: data.rfind(b"\n") + 1]
            self._offset += len(whole)
            for line in whole.splitlines():
                self._take(line)
            return dict(self._rounds), {number: list(sent) for number, sent in self._sent.items()}

    def _clear(self) -> None:
        self._offset = 0
        self._rounds: dict[int, dict[str, Any]] = {}
        self._sent: dict[int, list[dict[str, Any]]] = {}

    def _take(self, line: bytes) -> None:
        try:
            event = json.loads(line)
            kind, number = event["event"], event["round"]
        except (ValueError, KeyError, TypeError):
            return
        if kind == "round":
            self._rounds[number] = event
        elif kind == "transaction" and number is not None:
            self._sent.setdefault(number, []).append(event)
