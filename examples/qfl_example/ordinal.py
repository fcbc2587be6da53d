"""A task: classes that have an order, such as grades. The model gives a number, and the nearest class counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qfl.quantum.architecture import Architecture
from qfl.quantum.registry import TASKS, Task

if TYPE_CHECKING:
    import torch


@TASKS.register("ordinal")
class Ordinal(Task):
    """Reads out the mean of all Z, scaled and shifted; the loss is the squared distance, the score 1 less the error."""

    def weights(self, architecture: Architecture) -> int:
        return 2

    def initial_weights(self, architecture: Architecture, rng: np.random.Generator) -> NDArray[np.float64]:
        return np.array([1.0, (architecture.classes - 1) / 2])

    def read_out(self, architecture: Architecture, expectations: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        return weights[:, :1] * expectations.mean(-1) + weights[:, 1:]

    def losses(self, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return (outputs - labels) ** 2

    def predict(self, outputs: torch.Tensor) -> torch.Tensor:
        return outputs.round().clamp_min(0).long()

    def score(self, predictions: torch.Tensor, labels: torch.Tensor) -> float:
        return float(1 - (predictions - labels).abs().double().mean() / labels.max())
