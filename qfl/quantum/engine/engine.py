"""What a simulator of a circuit must do, and the choice between them."""

from typing import Protocol

import torch

from qfl.bounds import check_choice
from qfl.quantum.architecture import Architecture
from qfl.quantum.circuit import build_circuit
from qfl.quantum.config import ENGINES


class Engine(Protocol):
    """Runs a circuit for several clients at once, differentiably."""

    def expectations(self, features: torch.Tensor, slots: torch.Tensor) -> torch.Tensor:
        """Expectations `[clients, batch, observables]`, each in [-1, 1], differentiable in `slots`.

        Of `features` `[clients, batch, features]` float, and `slots` `[clients, slots]`, trainable numbers, angles in
        radians; client `c`'s act on client `c`'s samples only.
        """
        ...


def make_engine(name: str, architecture: Architecture) -> Engine:
    """Engine "fused" (fast, ours) or "torchquantum" (stock, the reference). Raises InvalidInput: another name."""
    check_choice("engine", name, ENGINES)
    if name == "fused":
        from qfl.quantum.engine.program import Program

        return Program(build_circuit(architecture))
    from qfl.quantum.engine.stock import StockEngine

    return StockEngine(build_circuit(architecture))
