"""The model that clients train: a quantum one, or the classical control, a perceptron of as many parameters."""

import math

import numpy as np
import torch
import torchquantum as tq
from numpy.typing import NDArray

from qfl.bounds import check_choice
from qfl.errors import InvalidInput
from qfl.quantum.architecture import Architecture
from qfl.quantum.config import DTYPES
from qfl.quantum.engine.engine import Engine, make_engine


# TorchQuantum has no types, so its module is `Any` to mypy.
class QuantumClassifier(tq.QuantumModule):  # type: ignore[misc]
    """One model per client, all run in one batch; each client's numbers depend on its own input alone.

    Attributes:
        angles: trainable, `[clients, quantum]` radians.
        weights: trainable, `[clients, classical]`: what the task reads out with; of the classical control see
            `Architecture.shape`.
        task: what the outputs are for.
    """

    def __init__(
        self,
        architecture: Architecture,
        angles: NDArray[np.float64],
        weights: NDArray[np.float64],
        *,
        clients: int = 1,
        engine: str | Engine = "fused",
        dtype: str = "float32",
    ) -> None:
        """Start all `clients` from the same `angles` `[quantum]` (radians) and `weights` `[classical]`.

        Raises:
            InvalidInput: lengths that do not fit the architecture, an unknown engine or dtype.
        """
        super().__init__()
        shape = architecture.shape
        if angles.shape != (shape.quantum,):
            raise InvalidInput("angles", angles.shape, f"the architecture has {shape.quantum} angles")
        if weights.shape != (shape.classical,):
            raise InvalidInput("weights", weights.shape, f"the architecture has {shape.classical} weights")
        check_choice("dtype", dtype, DTYPES)
        precision: torch.dtype = getattr(torch, dtype)
        self.architecture, self.task = architecture, architecture.purpose
        if isinstance(engine, str) and not architecture.is_classical:
            engine = make_engine(engine, architecture)
        self._engine = None if isinstance(engine, str) else engine
        self.angles = torch.nn.Parameter(torch.tensor(angles, dtype=precision).repeat(clients, 1))
        self.weights = torch.nn.Parameter(torch.tensor(weights, dtype=precision).repeat(clients, 1))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """The task's outputs `[clients, batch, ...]` of `features` `[clients, batch, features]`."""
        features = features.to(self.angles.dtype)
        if self._engine is None:
            return perceive(self.architecture, features, self.weights)
        expectations = self._engine.expectations(features, self.angles)
        return self.task.read_out(self.architecture, expectations, self.weights)

    def parameters_of(self, client: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Angles `[quantum]` (radians) and weights `[classical]` of one client."""
        angles, weights = (
            block[client].detach().flatten().numpy().astype(np.float64) for block in (self.angles, self.weights)
        )
        return angles, weights


def initial_perceptron(architecture: Architecture, rng: np.random.Generator) -> NDArray[np.float64]:
    """Weights of the classical control to start from, normal with variance 1 / inputs of a unit; biases zero."""
    features, hidden, classes = architecture.features, architecture.hidden, architecture.classes
    first = rng.normal(0.0, 1 / math.sqrt(features), hidden * features)
    second = rng.normal(0.0, 1 / math.sqrt(hidden), classes * hidden)
    return np.concatenate([first, np.zeros(hidden), second, np.zeros(classes)])


def perceive(architecture: Architecture, features: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The control's logits `[clients, batch, classes]` of `features` `[clients, batch, features]`, tanh units between.

    `weights` are `[clients, classical]`, in the order of `Architecture.shape`.
    """
    inputs, hidden, classes = architecture.features, architecture.hidden, architecture.classes
    sizes = [hidden * inputs, hidden, classes * hidden, classes]
    matrix, bias, second, last = torch.split(weights, sizes, dim=1)
    units = torch.tanh(features @ matrix.view(-1, hidden, inputs).transpose(1, 2) + bias.unsqueeze(1))
    logits: torch.Tensor = units @ second.view(-1, classes, hidden).transpose(1, 2) + last.unsqueeze(1)
    return logits
