"""The parts of a data set that some clients of several own, for clients that run in processes of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from qfl.data.datasets import LabelledData, load_dataset
from qfl.data.partition import partition
from qfl.errors import InvalidInput


def load_shares(
    dataset: str,
    data_folder: str,
    classes: Sequence[int],
    scheme: str,
    share: str,
    seed: int,
    features: int,
) -> dict[int, LabelledData]:
    """Data by index (from 0) of the share "K/N", the K-th of N parts of the training set, or of "J-K/N", several.

    Args:
        classes: the labels to keep, in the order of the model's outputs.
        features: what the model takes; larger images are averaged down to it.

    Raises:
        InvalidInput: no such share, or the data does not fit the model.
    """
    match = re.fullmatch(r"(?:(\d+)-)?(\d+)/(\d+)", share)
    first, last, clients = (int(match[1] or match[2]), int(match[2]), int(match[3])) if match else (0, 0, 0)
    if not 1 <= first <= last <= clients:
        raise InvalidInput("share", share, "write K/N, such as 2/5 for the second of five, or J-K/N for several")
    loaded = load_dataset(dataset, Path(data_folder), classes, None, seed, most_features=features)
    if (found := loaded.train.features.shape[1]) != features:
        raise InvalidInput("dataset", dataset, f"has {found} features, the job's model takes {features}")
    parts = partition(loaded.train.labels, clients, scheme, seed)
    return {index: loaded.train.take(parts[index]) for index in range(first - 1, last)}
