"""What rounds came to over time: from the chain, gas and bytes; from a run's folder, accuracy and energy too."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qfl.apps.explorer.index import Index
from qfl.apps.explorer.shown import number
from qfl.apps.report.energy import compute_accounts, summarise
from qfl.errors import QflError

COSTS = """
SELECT round, sum(gas) AS gas, sum(bytes) AS bytes, count(*) AS transactions FROM transactions
WHERE round BETWEEN ? AND ? GROUP BY round ORDER BY round
"""
DEVICE, RADIO = "phone", "5g"
"""What clients are taken to compute on and to transfer with; `qfl bench energy` knows others."""


@dataclass(frozen=True)
class Series:
    """One figure by round. `values` may lack rounds; `why_empty` says what would have to be there to show some."""

    name: str
    title: str
    unit: str
    values: Mapping[int, float]
    why_empty: str = "no round has any yet"

    @property
    def sentence(self) -> str:
        """The figure in words, for who cannot see its chart."""
        if not self.values:
            return f"{self.title}: {self.why_empty}."
        rounds = sorted(self.values)
        first, last = self.values[rounds[0]], self.values[rounds[-1]]
        low, high = min(self.values.values()), max(self.values.values())
        return (
            f"{self.title}, {self.unit}: {number(first)} in round {rounds[0]}, {number(last)} in round {rounds[-1]}; "
            f"lowest {number(low)}, highest {number(high)}."
        )


def costs(index: Index, first: int, last: int) -> list[Series]:
    rows = index.rows(COSTS, first, last)
    return [
        Series("gas", "Gas of a round's transactions", "gas", {row["round"]: row["gas"] for row in rows}),
        Series("bytes", "Call data of a round's transactions", "bytes", {row["round"]: row["bytes"] for row in rows}),
    ]


def learning(
    rounds: Mapping[int, dict[str, Any]], sent: Mapping[int, list[dict[str, Any]]], config: Mapping[str, Any] | None
) -> list[Series]:
    """Accuracy and energy by what a run's log says; `config` as `summarise` takes it, None while it is not known."""
    accuracy = {n: float(event["accuracy"]) for n, event in rounds.items() if "accuracy" in event}
    joules = {} if config is None else {n: _joules(config, event, sent) for n, event in rounds.items()}
    known = {n: value for n, value in joules.items() if value is not None}
    needs = "a run measures it: pass --run with the run's folder"
    return [
        Series("accuracy", "Accuracy on the test data", "share", accuracy, needs),
        Series("energy", "Energy of a round, middle of its range", "joules", known, needs),
    ]


def _joules(config: Mapping[str, Any], event: dict[str, Any], sent: Mapping[int, list[dict[str, Any]]]) -> float | None:
    """What the committee's way of agreeing spent in a round, clients included; None when it was not measured."""
    if not event.get("cpu_seconds"):
        return None
    try:
        work = summarise(config, [event], sent.get(event["round"], []), vote_seconds=0.0)
        total = compute_accounts(work, DEVICE, RADIO)[0].total
    except (QflError, KeyError, TypeError, ValueError):
        return None
    return (total.low + total.high) / 2


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
