"""How a model does on a device, beside the exact simulation: repetitions, with their mean and spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.errors import InvalidInput
from qfl.quantum.architecture import Architecture
from qfl.quantum.config import DeviceConfig
from qfl.training.data.datasets import LabelledData
from qfl.training.training import Evaluation, evaluate


@dataclass(frozen=True)
class DeviceTrial:
    """The evaluations `on_device` of one model on one test set, each with shots and errors of its own."""

    device: DeviceConfig
    on_device: Sequence[Evaluation]

    def to_json(self) -> dict[str, Any]:
        """Accuracies and losses, their means and standard deviations (0 of a single one), and the device."""
        return {
            **asdict(self.device),
            "repetitions": len(self.on_device),
            "accuracy": _spread([one.accuracy for one in self.on_device]),
            "loss": _spread([one.loss for one in self.on_device]),
        }


def try_on_device(
    arch: Architecture,
    angles: NDArray[np.float64],
    weights: NDArray[np.float64],
    data: LabelledData,
    device: DeviceConfig,
    repetitions: int,
    seed: int,
) -> DeviceTrial:
    """Evaluate a model on `data` so many times as on `device`; `seed` decides all shots and errors.

    Raises:
        InvalidInput: no repetitions, data that does not fit `arch`, or a model without a circuit.
        NotFinite: as `evaluate`.
    """
    if repetitions < 1:
        raise InvalidInput("repetitions", repetitions, "must be at least 1")
    seeds = np.random.SeedSequence(seed).generate_state(repetitions)
    return DeviceTrial(device, [evaluate(arch, angles, weights, data, device=device, seed=int(own)) for own in seeds])


def _spread(values: Sequence[float]) -> dict[str, Any]:
    deviation = stdev(values) if len(values) > 1 else 0.0
    return {"mean": fmean(values), "deviation": deviation, "values": list(values)}
