"""Rounds that are run beside what the model says of them: of other sizes than those the constants come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from experiments.scale.constants import Constants
from experiments.scale.measure import YARDSTICK, Measured, Pace, measure_beside_yardstick, pace_of
from experiments.scale.size import Size

SIZES = (Size(8, 4, 1), Size(32, 8, 2), Size(64, 16, 4))
TOLERANCE = 0.15


@dataclass(frozen=True)
class Comparison:
    """One figure of one size."""

    size: str
    figure: str
    measured: float
    modelled: float

    @property
    def error(self) -> float:
        """Relative to what was measured."""
        return self.modelled / self.measured - 1

    @property
    def holds(self) -> bool:
        """Whether the model is near enough."""
        return abs(self.error) <= TOLERANCE

    def to_json(self) -> dict[str, object]:
        """The figure, its error and the verdict."""
        return {**vars(self), "error": round(self.error, 4), "holds": self.holds}


def check(constants: Constants, announce: Callable[[str], None], sizes: Sequence[Size] = SIZES) -> list[Comparison]:
    """Run rounds of every size and compare, at the pace that the machine has meanwhile.

    Raises:
        QflError: a run did not end well.
    """
    modelled = pace_of(constants.seconds_of(YARDSTICK), constants.work_of(YARDSTICK))
    comparisons = []
    for measured, yardstick in measure_beside_yardstick(sizes, announce):
        pace = yardstick.over(modelled)
        announce(f"{measured.size}: modelled at {pace.seconds:.2f} times the constants' seconds, as the yardstick ran")
        comparisons += compare(constants, measured, pace)
    return comparisons


def compare(constants: Constants, measured: Measured, pace: Pace) -> list[Comparison]:
    """The round's time with and without training, its work, gas and bytes; `pace`: how much slower it is than then."""
    size = measured.size
    seconds = {stage: pace.seconds * value for stage, value in constants.seconds_of(size).items()}
    work = {role: pace.work * value for role, value in constants.work_of(size).items()}
    parts: dict[str, tuple[Mapping[str, float], Mapping[str, float]]] = {
        "seconds of a round": (measured.seconds, seconds),
        "seconds of it without training": (_untrained(measured.seconds), _untrained(seconds)),
        "processor seconds": (measured.work, work),
        "gas": (measured.gas, constants.gas_of(size)),
        "bytes of transactions": (measured.sent, constants.sent_of(size)),
        "bytes of an update": ({"update": measured.update_bytes}, {"update": constants.update_bytes}),
    }
    return [
        Comparison(str(size), figure, sum(found.values()), sum(modelled[name] for name in found))
        for figure, (found, modelled) in parts.items()
    ]


def _untrained(seconds: Mapping[str, float]) -> dict[str, float]:
    return {stage: value for stage, value in seconds.items() if stage != "train"}


def check_table(comparisons: Sequence[Comparison]) -> Table:
    """Measured beside modelled."""
    table = Table("size", "figure", "measured", "modelled", "error", title="Measured and modelled rounds")
    shown = ""
    for entry in comparisons:
        size = "" if entry.size == shown else entry.size
        shown = entry.size
        digits = 0 if entry.measured > 1_000 else 3
        values = (f"{value:,.{digits}f}" for value in (entry.measured, entry.modelled))
        table.add_row(size, entry.figure, *values, f"{entry.error:+.1%}", style=None if entry.holds else "red")
    return table
