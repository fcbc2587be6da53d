"""What each cost is taken to be proportional to, and the constants of proportion: measured, and kept as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from experiments.figures import save
from experiments.scale.size import Size
from qfl.bounds import check_number
from qfl.errors import InvalidInput
from qfl.files import read_json

MOST = 1e18
"""Of anything that is measured for one of its kind: gas, bytes, seconds."""
DEFAULTS = Path(__file__).with_name("constants.json")
Law = tuple[str, ...]
Coefficients = dict[str, float]

STAGES: Mapping[str, Law] = {
    "open": ("round", "seats"),
    "train": ("round", "clients"),
    "commit": ("round", "clients"),
    "reveal": ("round", "clients"),
    "verify": ("round", "seats", "checks"),
    "challenge": ("round", "clients", "seats"),
    "publish": ("publications", "joined"),
}
"""Wall seconds of a round's stages where all roles take turns in one process."""

WORK: Mapping[str, Law] = {
    "client": ("clients",),
    "validator": ("round", "seats", "checks"),
    "challenger": ("round", "clients", "seats"),
    "chain": ("round", "clients", "seats"),
    "ipfs": ("round", "clients", "checks"),
}
"""Processor seconds of all that play a role in a round, together."""

TRANSACTIONS: Mapping[str, Law] = {
    "open_round": ("round", "seats"),
    "commit": ("shards", "clients"),
    "reveal": ("shards", "clients"),
    "propose": ("shards",),
    "attest": ("attestations",),
    "checkpoint": ("shards", "signatures", "carried"),
    "publish": ("publications",),
    "settle": ("round",),
}
"""Bytes of all of a round's transactions of a kind together."""

GAS: Mapping[str, Law] = {kind: law for kind, law in TRANSACTIONS.items() if kind != "open_round"}
"""Their gas; opening has a law of its own."""

OPENING: Law = ("round", "seats", "steps", "seats squared")
"""Gas of `Beacon.openRound`, and of each `Draw.drawSeats` behind it; see `opening_counts`."""


def opening_counts(validators: int, seats: int) -> dict[str, float]:
    """What drawing a part of a round's seats is made of: `StakeTree.draw` walks `steps` down a tree of the validators
    for each seat, and keeps those drawn sorted in memory, which moves each of them half as often as there are seats.
    """
    steps = seats * math.log2(max(validators, 2))
    return {"round": 1.0, "seats": float(seats), "steps": steps, "seats squared": float(seats) ** 2}


def fit(law: Law, counts: Sequence[Mapping[str, float]], totals: Sequence[float]) -> Coefficients:
    """The constants, none negative, with the least squares of relative errors.

    There are four at most, so every choice of those that are not zero is tried: the best one whose solution has no
    negative constant is the optimum (Lawson and Hanson, "Solving Least Squares Problems", chapter 23).
    """
    measured = np.array(totals, dtype=np.float64)
    if not measured.any():
        return dict.fromkeys(law, 0.0)
    weights = 1.0 / np.where(measured > 0, measured, measured.max())
    rows = np.array([[count[name] for name in law] for count in counts]) * weights[:, None]
    best, least = dict.fromkeys(law, 0.0), float("inf")
    for size in range(1, len(law) + 1):
        for chosen in combinations(range(len(law)), size):
            solution, *_ = np.linalg.lstsq(rows[:, chosen], measured * weights, rcond=None)
            error = float(np.square(rows[:, chosen] @ solution - measured * weights).sum())
            if (solution >= 0).all() and error < least * (1 - 1e-9):
                least = error
                best = dict.fromkeys(law, 0.0) | {law[i]: float(s) for i, s in zip(chosen, solution, strict=True)}
    return best


def total(coefficients: Mapping[str, float], counts: Mapping[str, float]) -> float:
    """What a law with these constants comes to."""
    return sum(constant * counts[name] for name, constant in coefficients.items())


@dataclass(frozen=True)
class Pace:
    """Wall seconds and processor seconds of one and the same round, all stages and all roles; or factors of them."""

    seconds: float
    work: float

    def over(self, other: Pace) -> Pace:
        """How many times as slow as the other."""
        return Pace(self.seconds / other.seconds, self.work / other.work)


@dataclass(frozen=True)
class Costs:
    """A round, measured or modelled: wall `seconds` by stage, processor seconds of `work` by role, `gas` and `sent`
    bytes by kind of transaction; `update_bytes` is the size of an update's content object.
    """

    size: Size
    seconds: Mapping[str, float]
    work: Mapping[str, float]
    gas: Mapping[str, float]
    sent: Mapping[str, float]
    update_bytes: float

    @property
    def pace(self) -> Pace:
        """Of all stages, and of all roles."""
        return Pace(sum(self.seconds.values()), sum(self.work.values()))

    def times(self, pace: Pace) -> Costs:
        """The same on a machine that is slower by these factors."""
        seconds = {stage: value * pace.seconds for stage, value in self.seconds.items()}
        work = {role: value * pace.work for role, value in self.work.items()}
        return replace(self, seconds=seconds, work=work)


@dataclass(frozen=True)
class Constants:
    """Constants of proportion, by what they belong to and by the counts of `Size` they go with.

    Attributes:
        made: how, where and when, and the sizes that were run.
        stages: wall seconds of a stage, all roles in one process.
        work: processor seconds of a role; `work["client"]["clients"]` is one client's round.
        gas, sent: gas and bytes of a kind of transaction.
        opening: gas of drawing a part of the seats, the first one by `Beacon.openRound`.
        update_bytes, model_bytes: sizes of the content objects.
    """

    made: Mapping[str, object]
    stages: Mapping[str, Coefficients]
    work: Mapping[str, Coefficients]
    gas: Mapping[str, Coefficients]
    sent: Mapping[str, Coefficients]
    opening: Coefficients
    update_bytes: int
    model_bytes: int

    def costs_of(self, size: Size) -> Costs:
        """A round of that size, where all roles take turns in one process."""
        groups = (self.stages, self.work, self.gas, self.sent)
        seconds, work, gas, sent = (
            {name: total(constants, size.counts) for name, constants in group.items()} for group in groups
        )
        drawn = (total(self.opening, opening_counts(size.validators, seats)) for seats in size.parts)
        gas["open_round"] = sum(drawn)
        return Costs(size, seconds, work, gas, sent, self.update_bytes)

    def _checked(self) -> Constants:
        """These, if they are numbers by name where such belong. Raises AttributeError, TypeError, ValueError."""
        groups = [*self.stages.values(), *self.work.values(), *self.gas.values(), *self.sent.values(), self.opening]
        numbers = [number for group in groups for number in group.values()]
        for number in (*numbers, self.update_bytes, self.model_bytes):
            check_number("constant", number, 0, MOST)
        return self

    def save(self, path: Path) -> None:
        """Write the file."""
        save(path, _rounded(asdict(self)))

    @classmethod
    def load(cls, path: Path = DEFAULTS) -> Constants:
        """Read a file.

        Raises:
            InvalidInput: it is not one that `save` wrote.
        """
        try:
            return cls(**read_json(path))._checked()
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise InvalidInput("constants", str(path), f"make them with `qfl simulate --calibrate`: {error}") from error


def _rounded(value: object) -> object:
    """Six digits: more are noise."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {name: _rounded(entry) for name, entry in value.items()}
    return value
