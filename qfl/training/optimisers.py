"""The recipes of this package: gradient descent with momentum, the default, and Adam; afresh in every round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qfl.training.recipe import RECIPES, Recipe, TrainingConfig

if TYPE_CHECKING:
    import torch

EPSILON = 1e-5
"""Above the rounding noise of a gradient: the last layer's RZ acts on nothing that is measured, and Adam's usual
1e-8 would blow the noise of its gradient up to full steps."""


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


@RECIPES.register("adam")
class Adam(Recipe):
    """Steps of about the learning rate, whatever the size of a gradient.

    Each client's gradients are divided by a scale of its own, so their mean is not in anybody's steps: no `reach`.
    """

    def optimiser(self, blocks: Sequence[torch.Tensor], config: TrainingConfig) -> torch.optim.Optimizer:
        import torch

        return torch.optim.Adam(blocks, lr=config.learning_rate, eps=EPSILON)
