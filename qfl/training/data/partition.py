"""Who holds which samples: the ways a data set is dealt out to clients in a simulation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.errors import InvalidInput

LEAST_SAMPLES = 2
"""Samples that every client gets."""


@dataclass(frozen=True)
class Iid:
    """Shuffled and split evenly."""


@dataclass(frozen=True)
class Dirichlet:
    """Each class is split in proportions drawn from Dirichlet(`alpha`): the smaller, the more one-sided.

    Yurochkin et al., "Bayesian nonparametric federated learning of neural networks", 2019 (arXiv:1905.12022),
    section 4.
    """

    alpha: float


@dataclass(frozen=True)
class ClassesPerClient:
    """Each client holds `count` classes, each class being split evenly among those that hold it."""

    count: int


Scheme = Iid | Dirichlet | ClassesPerClient


def parse_partition(text: str) -> Scheme:
    """Read "iid", "dirichlet:<alpha>" or "classes:<count>".

    Raises:
        InvalidInput: anything else, alpha not positive, count below 1.
    """
    name, separator, value = text.partition(":")
    try:
        if name == "iid" and not separator:
            return Iid()
        if name == "dirichlet" and 0 < float(value) < math.inf:
            return Dirichlet(float(value))
        if name == "classes" and int(value) >= 1:
            return ClassesPerClient(int(value))
    except ValueError:
        pass
    raise InvalidInput("partition", text, "write iid, dirichlet:0.5 (alpha above 0) or classes:2 (1 or more)")


def partition(labels: NDArray[np.int64], clients: int, scheme: Scheme | str, seed: int) -> list[NDArray[np.int64]]:
    """Deal samples out: one sorted array of sample numbers per client, disjoint, covering all, 2 or more each.

    Args:
        labels: `[n]`.
        scheme: how, or its name for `parse_partition`.
        seed: the same one gives the same parts.

    Raises:
        InvalidInput: fewer samples than clients need, or classes that the scheme cannot deal.
    """
    if isinstance(scheme, str):
        scheme = parse_partition(scheme)
    if clients < 1:
        raise InvalidInput("clients", clients, "must be at least 1")
    if len(labels) < LEAST_SAMPLES * clients:
        raise InvalidInput(
            "clients",
            clients,
            f"{len(labels)} samples give each {LEAST_SAMPLES} only up to {len(labels) // LEAST_SAMPLES}",
        )
    rng = np.random.default_rng(seed)
    match scheme:
        case Iid():
            parts = np.array_split(rng.permutation(len(labels)), clients)
        case Dirichlet(alpha):
            parts = _deal_dirichlet(labels, clients, alpha, rng)
        case ClassesPerClient(count):
            parts = _deal_classes(labels, clients, count, rng)
    return [np.sort(part).astype(np.int64) for part in parts]


def _deal_dirichlet(
    labels: NDArray[np.int64], clients: int, alpha: float, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    parts: list[list[int]] = [[] for _ in range(clients)]
    for label in np.unique(labels):
        samples = rng.permutation(np.flatnonzero(labels == label))
        ends = np.cumsum(_dirichlet(clients, alpha, rng))[:-1] * len(samples)
        for part, share in zip(parts, np.split(samples, ends.round().astype(int)), strict=True):
            part.extend(share)
    for part in parts:
        while len(part) < LEAST_SAMPLES:
            largest = max(parts, key=len)
            part.append(largest.pop(int(rng.integers(len(largest)))))
    return [np.array(part) for part in parts]


def _dirichlet(clients: int, alpha: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Proportions `[clients]`; where a tiny alpha underflows, its limit: one client takes all."""
    proportions = np.asarray(rng.dirichlet(np.full(clients, alpha)), dtype=np.float64)
    if np.isfinite(proportions).all() and proportions.sum() > 0:
        return proportions
    return np.asarray(np.eye(clients)[rng.integers(clients)], dtype=np.float64)


def _deal_classes(
    labels: NDArray[np.int64], clients: int, count: int, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    classes = rng.permutation(np.unique(labels))
    if count > len(classes):
        raise InvalidInput("classes per client", count, f"the data has {len(classes)} classes")
    if count * clients < len(classes):
        needed = -(-len(classes) // clients)
        raise InvalidInput("classes per client", count, f"{clients} clients need {needed} each to hold all classes")
    # `count` neighbours on the circle of classes, begun at even distances: never the same one twice for a client, and
    # all get owners. 7 clients and 8 classes are dealt as by Zhao 2022 (arXiv:2209.00768), but nothing is dealt twice.
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
