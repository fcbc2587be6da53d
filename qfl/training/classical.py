"""The classical control: a perceptron of as many parameters as a quantum model, trained by the same code."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from qfl.quantum.architecture import Architecture


def initial_weights(architecture: Architecture, rng: np.random.Generator) -> NDArray[np.float64]:
    """Weights to start from, normal with variance 1 / inputs of a unit; biases zero."""
    features, hidden, classes = architecture.features, architecture.hidden, architecture.classes
    first = rng.normal(0.0, 1 / math.sqrt(features), hidden * features)
    second = rng.normal(0.0, 1 / math.sqrt(hidden), classes * hidden)
    return np.concatenate([first, np.zeros(hidden), second, np.zeros(classes)])


def perceive(architecture: Architecture, features: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Logits `[clients, batch, classes]` of `features` `[clients, batch, features]`, tanh units between.

    Args:
        weights: `[clients, classical]`, in the order of `Architecture.shape`.
    """
    inputs, hidden, classes = architecture.features, architecture.hidden, architecture.classes
    sizes = [hidden * inputs, hidden, classes * hidden, classes]
    matrix, bias, second, last = torch.split(weights, sizes, dim=1)
    units = torch.tanh(features @ matrix.view(-1, hidden, inputs).transpose(1, 2) + bias.unsqueeze(1))
    logits: torch.Tensor = units @ second.view(-1, classes, hidden).transpose(1, 2) + last.unsqueeze(1)
    return logits
