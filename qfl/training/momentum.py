"""Gradient descent with momentum: the recipe unless a job says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qfl.training.recipe import RECIPES, Recipe, TrainingConfig

if TYPE_CHECKING:
    import torch


@RECIPES.register("momentum")
class Momentum(Recipe):
    """A step is the learning rate times a running mean of gradients that begins at zero in every round."""

    @classmethod
    def reach(cls, config: TrainingConfig) -> float:
        """From rest, so that the first steps are short."""
        begun = config.momentum * (1 - config.momentum**config.steps) / (1 - config.momentum)
        return config.learning_rate * (config.steps - begun)

    def optimiser(self, blocks: Sequence[torch.Tensor], config: TrainingConfig) -> torch.optim.Optimizer:
        import torch

        # Dampened, a steady gradient moves a coordinate by the learning rate a step, whatever the momentum.
        made = torch.optim.SGD(blocks, config.learning_rate, momentum=config.momentum, dampening=config.momentum)
        for block in blocks:
            # Left to itself torch would begin with the whole first gradient: one batch would weigh as much as ten.
            made.state[block]["momentum_buffer"] = torch.zeros_like(block)
        return made
