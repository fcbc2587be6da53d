"""Rounds that are run beside what the model says of them: of other sizes than those the constants come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qfl.simulate.constants import Constants
from qfl.simulate.measure import Measured, measure
from qfl.simulate.size import Size

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
    """Run rounds of every size and compare.

    Raises:
        QflError: a run did not end well.
    """
    return [entry for size in sizes for entry in compare(constants, measure(size, announce))]


def compare(constants: Constants, measured: Measured) -> list[Comparison]:
    """The round's time with and without training, its work, gas and bytes."""
    size = measured.size
    seconds = constants.seconds_of(size)
    parts: dict[str, tuple[Mapping[str, float], Mapping[str, float]]] = {
        "seconds of a round": (measured.seconds, seconds),
        "seconds of it without training": (_untrained(measured.seconds), _untrained(seconds)),
        "processor seconds": (measured.work, constants.work_of(size)),
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
