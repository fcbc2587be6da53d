"""What a simulator of the circuit must do, and the choice between them."""

from __future__ import annotations

from typing import Protocol

import torch

from qfl.errors import InvalidInput
from qfl.quantum.architecture import Architecture
from qfl.quantum.config import ENGINES


class Engine(Protocol):
    """Runs the circuit of an `Architecture` for several clients at once, differentiably."""

    def expectations(self, features: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
        """Z expectation of every qubit after encoding and all layers.

        Args:
            features: `[clients, batch, features]` float.
            angles: `[clients, ...]` radians, a client's in the order of `Architecture.shape`; client `c`'s angles act
                on client `c`'s samples only.

        Returns:
            `[clients, batch, qubits]`, each in [-1, 1], differentiable in `angles`.
        """
        ...


def make_engine(name: str, architecture: Architecture) -> Engine:
    """Engine by name: "fused" (fast, ours) or "torchquantum" (stock operators gate by gate, the reference).

    Raises:
        InvalidInput: no such engine.
    """
    if name == "fused":
        from qfl.quantum.engine.fused import FusedEngine

        return FusedEngine(architecture)
    if name == "torchquantum":
        from qfl.quantum.engine.stock import StockEngine

        return StockEngine(architecture)
    raise InvalidInput("engine", name, f"choose one of {', '.join(ENGINES)}")
