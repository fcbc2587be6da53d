"""Adam, afresh in every round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qfl.training.recipe import RECIPES, Recipe, TrainingConfig

if TYPE_CHECKING:
    import torch

EPSILON = 1e-5
"""Above the rounding noise of a gradient: the last layer's RZ acts on nothing that is measured, and Adam's usual
1e-8 would blow the noise of its gradient up to full steps."""


@RECIPES.register("adam")
class Adam(Recipe):
    """Steps of about the learning rate, whatever the size of a gradient.

    Each client's gradients are divided by a scale of its own, so their mean is not in anybody's steps: no `reach`.
    """

    def optimiser(self, blocks: Sequence[torch.Tensor], config: TrainingConfig) -> torch.optim.Optimizer:
        import torch

        return torch.optim.Adam(blocks, lr=config.learning_rate, eps=EPSILON)
