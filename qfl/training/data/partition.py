"""Who holds which samples: what validators judge by, and the ways the rest is dealt out to clients in a simulation."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qfl.doors import Door
from qfl.errors import InvalidInput, NotInstalled

LEAST_SAMPLES = 2
"""Samples that every client gets."""
LEAST_HELD_OUT = 10
"""Of each validator: with fewer, its own training says nothing about anybody's."""


class Scheme(ABC):
    """A way to deal samples out; a dataclass of what its text says after the colon."""

    form: ClassVar[str]
    """How it is written, for whoever writes it wrong."""

    @classmethod
    @abstractmethod
    def parse(cls, value: str) -> Scheme:
        """The scheme that `value`, the text after the name's colon, stands for. Raises ValueError: none."""

    @abstractmethod
    def deal(self, labels: NDArray[np.int64], clients: int, rng: np.random.Generator) -> Sequence[NDArray[np.int64]]:
        """The numbers of each client's samples: disjoint, 2 or more each. Raises InvalidInput: it cannot deal them."""


PARTITIONS: Door[type[Scheme]] = Door("partition", "qfl.training.data.partition", base=Scheme)


@PARTITIONS.register("iid")
@dataclass(frozen=True)
class Iid(Scheme):
    """Shuffled and split evenly."""

    form = "iid"

    @classmethod
    def parse(cls, value: str) -> Iid:
        if value:
            raise ValueError(value)
        return cls()

    def deal(self, labels: NDArray[np.int64], clients: int, rng: np.random.Generator) -> Sequence[NDArray[np.int64]]:
        return np.array_split(rng.permutation(len(labels)), clients)


@PARTITIONS.register("dirichlet")
@dataclass(frozen=True)
class Dirichlet(Scheme):
    """Each class is split in proportions drawn from Dirichlet(`alpha`): the smaller, the more one-sided.

    Yurochkin et al., "Bayesian nonparametric federated learning of neural networks", 2019 (arXiv:1905.12022),
    section 4.
    """

    alpha: float
    form = "dirichlet:0.5 (alpha above 0)"

    @classmethod
    def parse(cls, value: str) -> Dirichlet:
        if not 0 < float(value) < math.inf:
            raise ValueError(value)
        return cls(float(value))

    def deal(self, labels: NDArray[np.int64], clients: int, rng: np.random.Generator) -> Sequence[NDArray[np.int64]]:
        parts: list[list[int]] = [[] for _ in range(clients)]
        for label in np.unique(labels):
            samples = rng.permutation(np.flatnonzero(labels == label))
            ends = np.cumsum(self._proportions(clients, rng))[:-1] * len(samples)
            for part, share in zip(parts, np.split(samples, ends.round().astype(int)), strict=True):
                part.extend(share)
        for part in parts:
            while len(part) < LEAST_SAMPLES:
                largest = max(parts, key=len)
                part.append(largest.pop(int(rng.integers(len(largest)))))
        return [np.array(part) for part in parts]

    def _proportions(self, clients: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Proportions `[clients]`; where a tiny alpha underflows, its limit: one client takes all."""
        proportions = np.asarray(rng.dirichlet(np.full(clients, self.alpha)), dtype=np.float64)
        if np.isfinite(proportions).all() and proportions.sum() > 0:
            return proportions
        return np.asarray(np.eye(clients)[rng.integers(clients)], dtype=np.float64)


@PARTITIONS.register("classes")
@dataclass(frozen=True)
class ClassesPerClient(Scheme):
    """Each client holds `count` classes, each class being split evenly among those that hold it."""

    count: int
    form = "classes:2 (1 or more)"

    @classmethod
    def parse(cls, value: str) -> ClassesPerClient:
        if int(value) < 1:
            raise ValueError(value)
        return cls(int(value))

    def deal(self, labels: NDArray[np.int64], clients: int, rng: np.random.Generator) -> Sequence[NDArray[np.int64]]:
        count = self.count
        classes = rng.permutation(np.unique(labels))
        if count > len(classes):
            raise InvalidInput("classes per client", count, f"the data has {len(classes)} classes")
        if count * clients < len(classes):
            needed = -(-len(classes) // clients)
            raise InvalidInput("classes per client", count, f"{clients} clients need {needed} each to hold all classes")
        # `count` neighbours on the circle of classes, begun at even distances: never the same one twice for a client,
        # and all get owners. 7 clients and 8 classes are dealt as by Zhao 2022 (arXiv:2209.00768), but nothing twice.
        hands = [
            [int(classes[(client * len(classes) // clients + card) % len(classes)]) for card in range(count)]
            for client in range(clients)
        ]
        parts: list[list[int]] = [[] for _ in range(clients)]
        for label in classes:
            owners = [part for part, hand in zip(parts, hands, strict=True) if label in hand]
            samples = rng.permutation(np.flatnonzero(labels == label))
            for part, share in zip(owners, np.array_split(samples, len(owners)), strict=True):
                part.extend(share)
        smallest = min(len(part) for part in parts)
        if smallest < LEAST_SAMPLES:
            raise InvalidInput("clients", clients, f"one would get {smallest} samples; use fewer clients or more data")
        return [np.array(part) for part in parts]


def parse_partition(text: str) -> Scheme:
    """Read "iid", "dirichlet:<alpha>", "classes:<count>", or what another scheme takes.

    Raises:
        InvalidInput: anything else, alpha not positive, count below 1.
        DoorBroken: the package that has the scheme cannot be loaded.
    """
    name, separator, value = text.partition(":")
    try:
        if separator and not value:
            raise ValueError(text)
        return PARTITIONS.find(name).parse(value)
    except (NotInstalled, ValueError):
        forms = [PARTITIONS.find(known).form for known in PARTITIONS]
    raise InvalidInput("partition", text, f"write {', '.join(forms[:-1])} or {forms[-1]}")


def own_partition(text: str, beside: Path | None = None) -> str:
    """What whoever runs this has written: `package.module:Name`, or with `:value`, is imported, and named."""
    match = re.fullmatch(r"([\w.]+:[A-Za-z_]\w*)(:.*)?", text)
    if match is None or text.partition(":")[0] in PARTITIONS:
        return text
    return PARTITIONS.own_name(match[1], "partition", beside) + (match[2] or "")


def partition(labels: NDArray[np.int64], clients: int, scheme: Scheme | str, seed: int) -> list[NDArray[np.int64]]:
    """Deal samples out: one sorted array of sample numbers per client, disjoint, 2 or more each.

    `labels` are `[n]`; `scheme` may be a name for `parse_partition`; the same `seed` gives the same parts.

    Raises:
        InvalidInput: fewer samples than clients need, or classes that the scheme cannot deal.
    """
    if isinstance(scheme, str):
        scheme = parse_partition(scheme)
    if clients < 1:
        raise InvalidInput("clients", clients, "must be at least 1")
    if len(labels) < LEAST_SAMPLES * clients:
        remedy = f"{len(labels)} samples give each {LEAST_SAMPLES} only up to {len(labels) // LEAST_SAMPLES}"
        raise InvalidInput("clients", clients, remedy)
    rng = np.random.default_rng(seed)
    parts = [np.sort(part).astype(np.int64) for part in scheme.deal(labels, clients, rng)]
    if len(np.unique(dealt := np.concatenate(parts))) < len(dealt) or min(map(len, parts)) < LEAST_SAMPLES:
        raise InvalidInput("partition", scheme, f"must deal each sample once, and {LEAST_SAMPLES} to each client")
    return parts


def hold_out(
    labels: NDArray[np.int64], percent: int, validators: int, seed: int
) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """Numbers of the samples left to clients, and those of each validator, which no client trains on.

    All are sorted and disjoint. Every class gives the same share, and is dealt out evenly: a validator's few samples
    are to speak for all.

    `labels` (`[n]`) are the training set's; `percent` of it is held out, 0 to 50; at 0 validators get nothing.

    Raises:
        InvalidInput: another share, or one too small for so many validators.
    """
    if not 0 <= percent <= 50:
        raise InvalidInput("validation_percent", percent, "must be from 0 to 50")
    if percent == 0:
        return np.arange(len(labels), dtype=np.int64), []
    rng = np.random.default_rng([seed, 1])
    held: list[int] = []
    for label in np.unique(labels):
        samples = rng.permutation(np.flatnonzero(labels == label))
        held.extend(samples[: round(len(samples) * percent / 100)])
    if len(held) < LEAST_HELD_OUT * validators:
        remedy = f"{len(held)} samples do not give {validators} validators {LEAST_HELD_OUT} each: hold out more"
        raise InvalidInput("validation_percent", percent, remedy)
    rest = np.setdiff1d(np.arange(len(labels)), held)
    return rest.astype(np.int64), [np.sort(np.array(held[start::validators])) for start in range(validators)]
