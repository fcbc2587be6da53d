"""The constants of `constants.toml`, and arithmetic with ranges."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from qfl.errors import InvalidInput

FILE = Path(__file__).with_name("energy.toml")


@dataclass(frozen=True)
class Range:
    """A figure that is only known to lie between two; neither is negative."""

    low: float
    high: float

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def __mul__(self, factor: Range | float) -> Range:
        other = factor if isinstance(factor, Range) else Range(factor, factor)
        return Range(self.low * other.low, self.high * other.high)


NOTHING = Range(0.0, 0.0)


@dataclass(frozen=True)
class Constant:
    """A range, its unit, and where it is from."""

    range: Range
    unit: str
    source: str


def constant(*path: str) -> Constant:
    """A constant by its place in the file.

    Raises:
        InvalidInput: there is none.
    """
    found: Any = load_constants()
    for name in path:
        if name not in found:
            raise InvalidInput(path[0], name, f"choose one of {', '.join(found)}")
        found = found[name]
    return Constant(Range(found["low"], found["high"]), found["unit"], found["source"])


@cache
def load_constants() -> Mapping[str, Any]:
    """The whole file."""
    return tomllib.loads(FILE.read_text())
