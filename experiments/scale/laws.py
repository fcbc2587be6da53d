"""What each cost is taken to be proportional to, and the constants of proportion that fit measured rounds best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

Law = tuple[str, ...]
Coefficients = dict[str, float]

STAGES: Mapping[str, Law] = {
    "open": ("round", "seats"),
    "train": ("round", "clients"),
    "commit": ("round", "clients"),
    "reveal": ("round", "clients"),
    "verify": ("round", "seats", "checks"),
    "challenge": ("round", "clients", "seats"),
    "publish": ("round", "shards"),
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
    "checkpoint": ("shards", "signatures"),
    "publish": ("round",),
    "settle": ("round",),
}
"""Bytes of all of a round's transactions of a kind together."""

GAS: Mapping[str, Law] = {kind: law for kind, law in TRANSACTIONS.items() if kind != "open_round"}
"""Their gas; opening has a law of its own."""

OPENING: Law = ("round", "seats", "steps", "seats squared")
"""Gas of `Beacon.openRound`; see `opening_counts`."""


def opening_counts(validators: int, seats: int) -> dict[str, float]:
    """What opening a round is made of: `StakeTree.draw` walks `steps` down a tree of the validators for each seat, and
    keeps those drawn sorted in memory, which moves each of them half as often as there are seats.
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
