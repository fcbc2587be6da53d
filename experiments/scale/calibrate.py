"""Measure this machine: run rounds of a few sizes, and fit the constants that they share."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean

from experiments.scale.constants import Constants
from experiments.scale.laws import GAS, STAGES, TRANSACTIONS, WORK, Coefficients, Law, fit
from experiments.scale.measure import KEY_HEIGHT, ROUNDS, YARDSTICK, Measured, Pace, measure_beside_yardstick
from experiments.scale.opening import measure_opening
from experiments.scale.size import Size
from qfl.protocol.content import HEADER_BYTES
from qfl.quantum.architecture import Architecture

COMMAND = "qfl simulate --calibrate"
SIZES = (Size(4, 4, 1), YARDSTICK, Size(24, 12, 3), Size(48, 8, 2))
"""Small ones, none of those that `qfl simulate --check` runs; every count of the laws varies by itself."""


def calibrate(announce: Callable[[str], None]) -> Constants:
    """Run `SIZES`, and open rounds of many seats.

    Raises:
        QflError: a run did not end well.
    """
    found = measure_beside_yardstick(SIZES, announce)
    usual = Pace(mean(pace.seconds for _, pace in found), mean(pace.work for _, pace in found))
    rounds = [measured.times(usual.over(pace)) for measured, pace in found]
    announce("opening rounds of up to 256 seats")
    return fit_constants(rounds, measure_opening(), _circumstances())


def fit_constants(rounds: Sequence[Measured], opening: Coefficients, made: Mapping[str, object]) -> Constants:
    """The constants of all laws from measured rounds."""
    counts = [measured.size.counts for measured in rounds]

    def fit_all(laws: Mapping[str, Law], found: Sequence[Mapping[str, float]]) -> dict[str, Coefficients]:
        return {
            name: fit(law, counts, [entry[name] for entry in found])
            for name, law in laws.items()
            if all(name in entry for entry in found)
        }

    shape = Architecture().shape
    return Constants(
        {**made, "sizes": [str(measured.size) for measured in rounds]},
        fit_all(STAGES, [measured.seconds for measured in rounds]),
        fit_all(WORK, [measured.work for measured in rounds]),
        fit_all(GAS, [measured.gas for measured in rounds]),
        fit_all(TRANSACTIONS, [measured.sent for measured in rounds]),
        opening,
        round(mean(measured.update_bytes for measured in rounds)),
        HEADER_BYTES + 4 * shape.total,
    )


def _circumstances() -> dict[str, object]:
    return {
        "command": COMMAND,
        "date": time.strftime("%Y-%m-%d"),
        "processor": _processor(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "rounds": ROUNDS,
        "key_height": KEY_HEIGHT,
    }


def _processor() -> str:
    """The processor's name, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
