"""The parts of a data set that some clients of several own, for clients that run in processes of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from qfl.errors import InvalidInput
from qfl.training.data.datasets import DATASETS, LabelledData, load_dataset
from qfl.training.data.partition import own_partition, parse_partition, partition


@dataclass(frozen=True)
class Split:
    """How a training set is dealt to those who take part: all who name the same one hold different parts of it.

    Attributes:
        dataset: "digits", "mnist", "fashion-mnist" or another data set's name; `data_folder` has its files. It may be
            `package.module:Name`, and so may the partition: both come from whoever runs this.
        classes: the labels to keep, in the order of the model's outputs; 0, 1, ... when empty.
        partition: "iid", "dirichlet:ALPHA", "classes:N", or what another scheme takes.
        seed: decides who gets what.
    """

    dataset: str
    data_folder: str
    classes: tuple[int, ...]
    partition: str
    seed: int


def load_shares(split: Split, share: str, features: int, classes: int) -> dict[int, LabelledData]:
    """Data by index (from 0) of the share "K/N", the K-th of N parts of the training set, or of "J-K/N", several.

    Args:
        features, classes: what the model takes and tells apart; larger images are averaged down.

    Raises:
        InvalidInput: no such share, or the data does not fit the model.
    """
    labels = split.classes or tuple(range(classes))
    if len(labels) != classes:
        raise InvalidInput("class", labels, f"the job's model tells {classes} classes apart")
    match = re.fullmatch(r"(?:([0-9]{1,9})-)?([0-9]{1,9})/([0-9]{1,9})", share)
    first, last, clients = (int(match[1] or match[2]), int(match[2]), int(match[3])) if match else (0, 0, 0)
    if not 1 <= first <= last <= clients:
        raise InvalidInput("share", share, "write K/N, such as 2/5 for the second of five, or J-K/N for several")
    name = DATASETS.own_name(split.dataset, "dataset")
    loaded = load_dataset(name, Path(split.data_folder), labels, None, split.seed, most_features=features)
    if (found := loaded.train.features.shape[1]) != features:
        raise InvalidInput("dataset", split.dataset, f"has {found} features, the job's model takes {features}")
    scheme = parse_partition(own_partition(split.partition))
    parts = partition(loaded.train.labels, clients, scheme, split.seed)
    return {index: loaded.train.take(parts[index]) for index in range(first - 1, last)}
