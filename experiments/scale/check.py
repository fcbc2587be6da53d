"""Rounds that are run beside what the model says of them: of other sizes than those the constants come from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from experiments.scale.constants import Constants, Costs
from experiments.scale.measure import YARDSTICK, measure_beside_yardstick
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


def check(constants: Constants, announce: Callable[[str], None]) -> list[Comparison]:
    """Run rounds of every size and compare, at the pace that the machine has meanwhile.

    Raises:
        QflError: a run did not end well.
    """
    modelled, comparisons = constants.costs_of(YARDSTICK).pace, []
    for measured, yardstick in measure_beside_yardstick(SIZES, announce):
        pace = yardstick.over(modelled)
        announce(f"{measured.size}: modelled at {pace.seconds:.2f} times the constants' seconds, as the yardstick ran")
        comparisons += compare(measured, constants.costs_of(measured.size).times(pace))
    return comparisons


def compare(measured: Costs, modelled: Costs) -> list[Comparison]:
    """The round's time with and without training, its work, gas and bytes."""
    figures: dict[str, Callable[[Costs], Mapping[str, float]]] = {
        "seconds of a round": lambda costs: costs.seconds,
        "seconds of it without training": lambda costs: {**costs.seconds, "train": 0.0},
        "processor seconds": lambda costs: costs.work,
        "gas": lambda costs: costs.gas,
        "bytes of transactions": lambda costs: costs.sent,
        "bytes of an update": lambda costs: {"update": costs.update_bytes},
    }
    return [
        Comparison(str(measured.size), figure, sum(found.values()), sum(part(modelled)[name] for name in found))
        for figure, part in figures.items()
        for found in [part(measured)]
    ]


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
