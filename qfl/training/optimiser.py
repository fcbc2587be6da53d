"""A client's optimiser: how a gradient becomes a step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from qfl.quantum.config import TrainingConfig
from qfl.training.controls import Controls
from qfl.training.model import QuantumClassifier

ADAM_EPSILON = 1e-5
"""Above the rounding noise of a gradient: the last layer's RZ acts on nothing that is measured, and Adam's usual
1e-8 would blow the noise of its gradient up to full steps."""


class LocalOptimiser:
    """Steps all clients of a model at once, each along the gradient of its own loss.

    With momentum, a step is the learning rate times a running mean of gradients that begins at zero in every round.
    """

    def __init__(
        self, model: QuantumClassifier, config: TrainingConfig, controls: Sequence[Controls] | None = None
    ) -> None:
        """`model` is where the round starts; `controls`, if any, are one per client."""
        self._blocks = [block for block in (model.angles, model.weights) if block.numel()]
        self._start = [block.detach().clone() for block in self._blocks]
        self._proximal = config.proximal
        self._pulls = [torch.zeros_like(block) for block in self._start]
        if controls is not None:
            self._pulls = self._split([control.common - control.own for control in controls])
        rate = config.learning_rate
        if config.optimiser == "adam":
            self._optimiser: torch.optim.Optimizer = torch.optim.Adam(self._blocks, lr=rate, eps=ADAM_EPSILON)
            return
        # Dampened, a steady gradient moves a coordinate by the learning rate a step, whatever the momentum.
        self._optimiser = torch.optim.SGD(self._blocks, lr=rate, momentum=config.momentum, dampening=config.momentum)
        for block in self._blocks:
            # Left to itself torch would begin with the whole first gradient: one batch would weigh as much as ten.
            self._optimiser.state[block]["momentum_buffer"] = torch.zeros_like(block)

    def set_rate(self, learning_rate: float) -> None:
        """Change the learning rate; the running means stay."""
        self._optimiser.param_groups[0]["lr"] = learning_rate

    def step(self, losses: torch.Tensor) -> None:
        """One step for every client from its own loss: `losses` `[clients]`, differentiable."""
        # A sum, not a mean: each client's gradient is that of its own loss, however many there are.
        gradients = torch.autograd.grad(losses.sum(), self._blocks)
        for block, gradient, pull, start in zip(self._blocks, gradients, self._pulls, self._start, strict=True):
            block.grad = gradient + pull + self._proximal * (block.detach() - start)
        self._optimiser.step()

    def _split(self, rows: Sequence[NDArray[np.float64]]) -> list[torch.Tensor]:
        """Rows `[d]`, one per client, in the shapes of the parameter blocks."""
        table = torch.from_numpy(np.stack(rows))
        ends = np.cumsum([block[0].numel() for block in self._blocks])[:-1].tolist()
        parts = torch.tensor_split(table, ends, dim=1)
        return [part.to(block.dtype).view_as(block) for part, block in zip(parts, self._blocks, strict=True)]
