"""Classification: a label is a class, a class has a logit, and the loss is the cross-entropy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qfl.errors import InvalidInput
from qfl.quantum.architecture import Architecture
from qfl.quantum.registry import TASKS, Task

if TYPE_CHECKING:
    import torch

LOGIT_SCALE = 10.0
"""Z expectations stay well inside [-1, 1]; as bare logits they could not express confidence."""
HEAD_SPREAD = 0.4
"""Standard deviation of a head's first weights."""
OFFSET_STEPS = 30
OFFSET_DAMPING = 0.02
"""Added to the curvature: a class that the data hardly holds does not send its offset away."""
OFFSET_RATE = 0.7


@TASKS.register("classification")
class Classification(Task):
    """Logits `[clients, batch, classes]` by a linear layer (`Architecture.head`) or of the first qubits as they are.

    A head's weights are a `[classes, qubits]` matrix, then a `[classes]` bias. Losses are in nats.
    """

    def check(self, architecture: Architecture) -> None:
        qubits, classes = architecture.qubits, architecture.classes
        if not architecture.head and classes > qubits:
            remedy = f"without a head each class needs a qubit, and there are {qubits}"
            raise InvalidInput("classes", classes, remedy)

    def weights(self, architecture: Architecture) -> int:
        return architecture.classes * (architecture.qubits + 1) if architecture.head else 0

    def initial_weights(self, architecture: Architecture, rng: np.random.Generator) -> NDArray[np.float64]:
        weights = np.zeros(self.weights(architecture))
        matrix = architecture.classes * architecture.qubits if architecture.head else 0
        weights[:matrix] = rng.normal(0.0, HEAD_SPREAD, matrix)
        return weights

    def read_out(self, architecture: Architecture, expectations: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        classes, qubits = architecture.classes, architecture.qubits
        if not architecture.head:
            return LOGIT_SCALE * expectations[..., :classes]
        matrix = weights[:, : classes * qubits].view(-1, classes, qubits)
        bias = weights[:, classes * qubits :].unsqueeze(1)
        logits: torch.Tensor = LOGIT_SCALE * (expectations @ matrix.transpose(1, 2) + bias)
        return logits

    def losses(self, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)

    def fair_losses(self, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """With the best offset of each class's logit, found by damped diagonal Newton steps.

        A client that lacks classes moves those offsets more than anything else, and the mean over clients takes it
        back; what is left tells whether the circuit still sees what it saw.
        """
        import torch

        wanted = torch.nn.functional.one_hot(labels, outputs.shape[-1]).to(outputs.dtype)
        offsets = torch.zeros_like(outputs[:, :1])
        for _ in range(OFFSET_STEPS):
            chances = (outputs + offsets).softmax(-1)
            curvature = (chances * (1 - chances)).mean(1, keepdim=True) + OFFSET_DAMPING
            offsets -= OFFSET_RATE * (chances - wanted).mean(1, keepdim=True) / curvature
        return -(torch.log_softmax(outputs + offsets, -1) * wanted).sum(-1).mean(1)

    def predict(self, outputs: torch.Tensor) -> torch.Tensor:
        return outputs.argmax(dim=-1)
