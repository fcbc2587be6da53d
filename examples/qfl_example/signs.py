"""A recipe: steps along the signs of gradients, all of one length (Bernstein et al. 2018, arXiv:1802.04434)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qfl.training.recipe import RECIPES, Recipe, TrainingConfig

if TYPE_CHECKING:
    import torch


@RECIPES.register("signs")
class Signs(Recipe):
    """Every number moves by the learning rate. It has no `reach`, so a job sets control_variates = false."""

    def optimiser(self, blocks: Sequence[torch.Tensor], config: TrainingConfig) -> torch.optim.Optimizer:
        import torch

        return torch.optim.SGD(blocks, config.learning_rate)

    def corrected(self, gradients: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        return [gradient.sign() for gradient in super().corrected(gradients)]
