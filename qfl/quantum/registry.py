"""What a model is put together from, as others may add to it: encoders, ansätze, and the task that it is for.

Each is a class without state, registered under the name that `Architecture` has for it. A file that registers one is
read wherever an architecture is, by validators too: it imports torch, if at all, in the methods that compute.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING

from qfl.doors import Door

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from qfl.quantum.architecture import Architecture
    from qfl.quantum.circuit import Operation


class Encoder(ABC):
    """How a sample gets into the register: as its first amplitudes, by gates that its features turn, or both."""

    is_angular = False
    """Whether features become angles, so that they have to be in [0, 1]."""
    sets_amplitudes = False
    """Whether the circuit starts in `amplitudes` instead of the ground state."""

    @abstractmethod
    def most_features(self, qubits: int) -> int:
        """Longest feature vector that it can put into so many qubits."""

    def gates(self, features: int, qubits: int, layer: int) -> Iterable[Operation]:
        """The gates before a layer of the ansatz, the first layer being 0; their angles are `Feature`s."""
        return ()

    def amplitudes(self, features: torch.Tensor, qubits: int) -> torch.Tensor:
        """Unit vectors `[..., 2**qubits]` of `[..., features]`, real, differentiable."""
        raise NotImplementedError  # asked only of those that set amplitudes


class Ansatz(ABC):
    """A layer of trainable gates."""

    has_circuit = True
    """False of the classical control alone."""

    @abstractmethod
    def angles(self, qubits: int) -> int:
        """Trainable angles of one layer."""

    def gates(self, qubits: int, layer: int, first: int) -> Iterable[Operation]:
        """The gates of a layer, the first being 0; its angles are the `Trainable`s from slot `first` on."""
        raise NotImplementedError  # asked only of those that have a circuit


class Task(ABC):
    """What a model is for: how its circuit is read out, what it is trained for, and how well it does.

    A sample's label is a whole number from 0 below `classes`. Tensors are batched by client and sample.
    """

    def check(self, architecture: Architecture) -> None:  # noqa: B027  (a task may refuse nothing)
        """Refuse an architecture that the task cannot read out. Raises InvalidInput."""

    @abstractmethod
    def weights(self, architecture: Architecture) -> int:
        """Trainable numbers of the read-out."""

    @abstractmethod
    def initial_weights(self, architecture: Architecture, rng: np.random.Generator) -> NDArray[np.float64]:
        """Those to start from, `[weights]`."""

    @abstractmethod
    def read_out(self, architecture: Architecture, expectations: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Outputs `[clients, batch, ...]` of each qubit's Z `[clients, batch, qubits]` and `weights` `[clients, w]`."""

    @abstractmethod
    def losses(self, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """What training makes small, of each sample: `[clients, batch]` as `labels`, differentiable."""

    def fair_losses(self, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Mean loss `[models]` of several models on one data set (`labels` `[n]`), by which validators judge updates.

        A task may leave out what differs between clients and evens out in their mean.
        """
        return self.losses(outputs, labels.expand(len(outputs), -1)).mean(1)

    @abstractmethod
    def predict(self, outputs: torch.Tensor) -> torch.Tensor:
        """The label that each sample's outputs stand for: int64 `[clients, batch]`."""

    def score(self, predictions: torch.Tensor, labels: torch.Tensor) -> float:
        """How good predictions are, in [0, 1]; both `[n]`. The share that is right unless a task says otherwise."""
        return float((predictions == labels).double().mean())


ENCODERS: Door[type[Encoder]] = Door("encoder", "qfl.quantum.encoders", base=Encoder)
ANSAETZE: Door[type[Ansatz]] = Door("ansatz", "qfl.quantum.ansatz", group="qfl.ansaetze", base=Ansatz)
TASKS: Door[type[Task]] = Door("task", "qfl.training.classification", base=Task)
"""The home of tasks is above this room: only its name is known here."""
