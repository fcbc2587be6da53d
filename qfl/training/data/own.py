"""What a client in a process of its own trains on: a file that never leaves it, or its part of a data set."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qfl.errors import InvalidInput
from qfl.files import open_regular
from qfl.training.data.datasets import DATASETS, LabelledData, load_dataset
from qfl.training.data.partition import own_partition, parse_partition, partition

MOST_BYTES = 2**33
"""Of all arrays in a file; a small file can say that it holds more than any memory."""


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

    The model takes `features`, and tells `classes` apart; larger images are averaged down.

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


def load_own(path: Path, features: int, classes: int, scaled: bool = False) -> LabelledData:
    """Samples that `numpy.savez(path, x=..., y=...)` wrote.

    `x` is `[n, features]`, or `[n, height, width]` of as many pixels, which are taken row by row: finite numbers, in
    [0, 1] if they have to be `scaled`, since the model makes angles of them. `y` is `[n]`: whole numbers from 0, below
    `classes`. Nothing is unpickled.

    Raises:
        InvalidInput: no such file, other arrays, shapes or values; the text says what to save.
    """
    x, y = _read(path)
    if x.ndim < 2 or y.ndim != 1 or len(x) != len(y) or not len(y):
        raise InvalidInput("data", str(path), f"x is {list(x.shape)} and y {list(y.shape)}: save [n, features] and [n]")
    if (found := x[0].size) != features:
        remedy = f"x has {found} features a sample, the job's model takes {features}: save that many"
        raise InvalidInput("data", str(path), remedy)
    if x.dtype.kind not in "fiub" or y.dtype.kind not in "iu":
        remedy = f"x holds {x.dtype} and y {y.dtype}: save real numbers, and whole ones for labels"
        raise InvalidInput("data", str(path), remedy)
    if y.min() < 0 or y.max() >= classes:
        remedy = f"y goes from {y.min()} to {y.max()}: the job's model has classes 0 to {classes - 1}"
        raise InvalidInput("data", str(path), remedy)
    with np.errstate(over="ignore"):  # what is too large for the type becomes infinite, and is refused as that
        data = LabelledData(x.reshape(len(x), -1).astype(np.float32), y.astype(np.int64))
    low, high = data.features.min(), data.features.max()
    if scaled and not 0 <= low <= high <= 1:
        remedy = f"x goes from {low:g} to {high:g}: the job's model makes angles of it, so scale it to [0, 1]"
        raise InvalidInput("data", str(path), remedy)
    return data


def _read(path: Path) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    remedy = "write it with numpy.savez(path, x=features, y=labels)"
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                raise InvalidInput("data", str(path), f"is a single array: {remedy}")
            if not {"x", "y"} <= set(loaded.files):
                raise InvalidInput("data", str(path), f"holds {', '.join(sorted(loaded.files)) or 'nothing'}: {remedy}")
            if (size := sum(entry.file_size for entry in loaded.zip.infolist())) > MOST_BYTES:
                raise InvalidInput("data", str(path), f"unpacks to {size:,} bytes: save at most {MOST_BYTES:,}")
            x, y = loaded["x"], loaded["y"]
            if not (isinstance(x, np.ndarray) and isinstance(y, np.ndarray)):  # numpy returns other files' bytes
                raise InvalidInput("data", str(path), f"x or y in it is no array: {remedy}")
            return x, y
    except InvalidInput:
        raise
    except Exception as error:  # numpy, zipfile and zlib raise whatever the damage leads to, MemoryError included
        raise InvalidInput("data", str(path), f"cannot be read ({error}): {remedy}") from error
