"""The samples of a training set that validators judge updates by, and no client trains on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qfl.errors import InvalidInput

LEAST_SAMPLES = 10
"""Of each validator: with fewer, its own training says nothing about anybody's."""


def hold_out(
    labels: NDArray[np.int64], percent: int, validators: int, seed: int
) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """Numbers of the samples left to clients, and those of each validator; all sorted and disjoint.

    Every class gives the same share, and is dealt out evenly: a validator's few samples are to speak for all.

    Args:
        labels: `[n]`, of the training set.
        percent: how much of it is held out, 0 to 50; at 0 validators get nothing.

    Raises:
        InvalidInput: another share, or one too small for so many validators.
    """
    if not 0 <= percent <= 50:
        raise InvalidInput("validation_percent", percent, "must be from 0 to 50")
    if percent == 0:
        return np.arange(len(labels), dtype=np.int64), []
    rng = np.random.default_rng([seed, 1])
    held: list[int] = []
    for label in np.unique(labels):
        samples = rng.permutation(np.flatnonzero(labels == label))
        held.extend(samples[: round(len(samples) * percent / 100)])
    if len(held) < LEAST_SAMPLES * validators:
        remedy = f"{len(held)} samples do not give {validators} validators {LEAST_SAMPLES} each: hold out more"
        raise InvalidInput("validation_percent", percent, remedy)
    rest = np.setdiff1d(np.arange(len(labels)), held)
    return rest.astype(np.int64), [np.sort(np.array(held[start::validators])) for start in range(validators)]
