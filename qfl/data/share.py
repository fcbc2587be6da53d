"""The part of a data set that one client of several owns, for clients that run as processes of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from qfl.data.datasets import LabelledData, load_dataset
from qfl.data.partition import partition
from qfl.errors import InvalidInput


def load_share(
    dataset: str,
    data_folder: str,
    classes: Sequence[int],
    scheme: str,
    share: str,
    seed: int,
    features: int,
) -> tuple[int, LabelledData]:
    """Index (from 0) and data of the share "K/N": the K-th of N parts of the training set.

    Args:
        classes: the labels to keep, in the order of the model's outputs.
        features: what the model takes; larger images are averaged down to it.

    Raises:
        InvalidInput: no such share, or the data does not fit the model.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", share)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise InvalidInput("share", share, "write K/N, such as 2/5 for the second of five")
    index, clients = int(match[1]) - 1, int(match[2])
    loaded = load_dataset(dataset, Path(data_folder), classes, None, seed, most_features=features)
    if (found := loaded.train.features.shape[1]) != features:
        raise InvalidInput("dataset", dataset, f"has {found} features, the job's model takes {features}")
    part = partition(loaded.train.labels, clients, scheme, seed)[index]
    return index, LabelledData(loaded.train.features[part], loaded.train.labels[part])
