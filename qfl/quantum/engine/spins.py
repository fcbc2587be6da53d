"""The state that encodes features wire by wire, before anything ties wires together: a product of spins."""

from __future__ import annotations

import torch

from qfl.quantum.engine.blocks import Diagonals
from qfl.quantum.engine.plan import Bank


class Spins:
    """A bank of one block of two rows for each wire, applied to the ground state."""

    def __init__(self, bank: Bank, dtype: torch.dtype, device: torch.device) -> None:
        self._diagonals = Diagonals(bank.turns, dtype, device)
        self._depth, self._wires, _, _ = bank.turns.generators.shape
        self._constants = [
            None if level is None else torch.as_tensor(level, dtype=dtype.to_complex(), device=device)
            for level in bank.constants
        ]
        ground = torch.eye(2, dtype=dtype.to_complex(), device=device)[:, :1]
        first = self._constants[0]
        self._first = ground.expand(self._wires, 2, 1) if first is None else first @ ground

    def state(self, features: torch.Tensor) -> torch.Tensor:
        """States `[clients, 2**wires, batch]` of `features` `[clients, batch, features]`, differentiable in them."""
        clients, batch, _ = features.shape
        spins = self._first
        if self._depth:
            angles = self._diagonals.angles(features.permute(2, 0, 1).flatten(1))
            diagonals = torch.polar(torch.ones_like(angles), angles)
            for level, constant in enumerate(self._constants[1:]):
                spins = diagonals[level] * spins
                if constant is not None:
                    spins = constant @ spins
        state = spins[0]
        for wire in range(1, self._wires):
            state = (state.unsqueeze(1) * spins[wire]).flatten(0, 1)
        if not self._depth:
            return state.expand(clients, -1, batch).contiguous()
        return state.view(-1, clients, batch).transpose(0, 1).contiguous()
