"""What updates are worth on somebody's own data: whether they harm the model, and whether they go its way."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from qfl.quantum.architecture import Architecture
from qfl.training.data.datasets import LabelledData
from qfl.training.model import QuantumClassifier
from qfl.training.training import one_thread

TINY = 1e-12


@dataclass(frozen=True)
class Quality:
    """Of `n` updates, in their order.

    Attributes:
        gains: float64 `[n]`, nats a sample: the loss of the base less that of base and update, as the task finds fair
            (`Task.fair_losses`). Below zero is harm.
        agreements: float64 `[n]`, in [-1, 1]: the cosine between an update and what training on the data changes
            (FLTrust: Cao et al. 2021, arXiv:2012.13995, section 4).
    """

    gains: NDArray[np.float64]
    agreements: NDArray[np.float64]


def assess_updates(
    arch: Architecture,
    angles: NDArray[np.float64],
    weights: NDArray[np.float64],
    deltas: Sequence[NDArray[np.float64]],
    data: LabelledData,
    own: NDArray[np.float64],
) -> Quality:
    """Judge updates by `data`, and by what training on it changes (`own`, `[d]`).

    Args:
        angles: of the base, `[quantum]` radians. weights: `[classical]`.
        deltas: what each update changes, `[d]`.
    """
    moves = np.stack([np.zeros_like(own), *deltas])
    lengths = np.linalg.norm(moves[1:], axis=1) * np.linalg.norm(own)
    with one_thread(), torch.no_grad():
        model = QuantumClassifier(arch, angles, weights, clients=len(moves))
        steps = torch.from_numpy(moves).to(model.angles.dtype)
        model.angles.add_(steps[:, : arch.shape.quantum])
        model.weights.add_(steps[:, arch.shape.quantum :])
        outputs = model(torch.from_numpy(data.features).expand(len(moves), -1, -1))
        losses = model.task.fair_losses(outputs, torch.from_numpy(data.labels)).double().numpy()
    return Quality(losses[0] - losses[1:], moves[1:] @ own / np.maximum(lengths, TINY))
