"""A training step's circuit to be timed: forward and backward, on random samples."""

from __future__ import annotations

import time

import torch

from qfl.quantum.architecture import Architecture
from qfl.quantum.engine.engine import make_engine


class Steps:
    """Steps of `clients` with different angles, `batch` samples each, on one engine.

    Args:
        together: all clients in one batch; else one after the other.
    """

    def __init__(self, engine: str, architecture: Architecture, batch: int, clients: int, together: bool) -> None:
        random = torch.Generator().manual_seed(1)
        features = torch.rand(clients, batch, architecture.features, generator=random)
        angles = torch.rand(clients, architecture.shape.quantum, generator=random)
        size = clients if together else 1
        self._engine = make_engine(engine, architecture)
        parts = torch.split(features, size), torch.split(angles, size)
        self._parts = list(zip(*parts, strict=True))

    def step(self) -> float:
        """Seconds of a step of all clients."""
        started = time.perf_counter()
        for features, angles in self._parts:
            trainable = angles.clone().requires_grad_()
            torch.autograd.backward(self._engine.expectations(features, trainable).sum())
        return time.perf_counter() - started
