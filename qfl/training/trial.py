"""How a model does on a device, beside the exact simulation: repetitions, with their mean and spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from statistics import fmean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.errors import InvalidInput
from qfl.quantum.architecture import Architecture
from qfl.quantum.config import DeviceConfig
from qfl.training.data.datasets import LabelledData
from qfl.training.training import evaluate


def try_on_device(
    arch: Architecture,
    angles: NDArray[np.float64],
    weights: NDArray[np.float64],
    data: LabelledData,
    device: DeviceConfig,
    repetitions: int,
    seed: int,
) -> dict[str, Any]:
    """Evaluate a model on `data` so many times as on `device`; `seed` decides all shots and errors.

    Returns:
        As JSON: accuracies and losses, their means and standard deviations (0 of a single one), and the device.

    Raises:
        InvalidInput: no repetitions, data that does not fit `arch`, or a model without a circuit.
        NotFinite: as `evaluate`.
    """
    if repetitions < 1:
        raise InvalidInput("repetitions", repetitions, "must be at least 1")
    seeds = np.random.SeedSequence(seed).generate_state(repetitions)
    found = [evaluate(arch, angles, weights, data, device=device, seed=int(own)) for own in seeds]
    accuracy, loss = _spread([one.accuracy for one in found]), _spread([one.loss for one in found])
    return {**asdict(device), "repetitions": repetitions, "accuracy": accuracy, "loss": loss}


def _spread(values: Sequence[float]) -> dict[str, Any]:
    deviation = stdev(values) if len(values) > 1 else 0.0
    return {"mean": fmean(values), "deviation": deviation, "values": list(values)}
