"""The engine that runs a circuit fused: `qfl.quantum.engine.plan` says how, docs/results/engine.md why."""

from __future__ import annotations

import torch

from qfl.quantum.architecture import Architecture
from qfl.quantum.build import build_circuit
from qfl.quantum.circuit import Circuit
from qfl.quantum.engine.program import Program


class FusedEngine:
    """An `Engine` (see `qfl.quantum.engine.engine`); computes in the precision and on the device of the angles."""

    def __init__(self, circuit: Architecture | Circuit) -> None:
        self._program = Program(build_circuit(circuit) if isinstance(circuit, Architecture) else circuit)

    def expectations(self, features: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
        return self._program.expectations(features, angles.flatten(1))
