"""The data sets that a run can name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qfl.errors import DatasetMissing, InvalidInput
from qfl.training.data.images import shrink_to_fit

DATASETS = ("digits", "mnist", "fashion-mnist")
TEST_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class LabelledData:
    """Samples with their classes: `features` float32 `[n, f]`, finite; `labels` int64 `[n]` from 0; n >= 1.

    Raises:
        InvalidInput: other shapes, NaN or infinite features, negative labels, no samples.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", np.ascontiguousarray(self.features, dtype=np.float32))
        object.__setattr__(self, "labels", np.ascontiguousarray(self.labels, dtype=np.int64))
        if self.features.ndim != 2 or self.labels.shape != self.features.shape[:1] or not len(self.labels):
            raise InvalidInput(
                "data",
                (self.features.shape, self.labels.shape),
                "give features [n, f] and labels [n], n at least 1",
            )
        if not np.isfinite(self.features).all():
            sample = int(np.argmin(np.isfinite(self.features).all(axis=1)))
            raise InvalidInput("features", "NaN or infinity", f"clean or drop sample {sample}")
        if self.labels.min() < 0:
            raise InvalidInput("labels", int(self.labels.min()), "number the classes from 0")

    def take(self, index: NDArray[np.int64]) -> LabelledData:
        """The samples with these numbers, for one client's part."""
        return LabelledData(self.features[index], self.labels[index])


@dataclass(frozen=True, eq=False)
class Dataset:
    """A named data set: `train` and `test`, labels 0 to `classes` - 1, features in [0, 1]."""

    name: str
    train: LabelledData
    test: LabelledData
    classes: int


def load_dataset(
    name: str,
    folder: Path | None = None,
    classes: Sequence[int] | None = None,
    limit: int | None = None,
    seed: int = 0,
    *,
    most_features: int | None = None,
    download: bool = False,
) -> Dataset:
    """Load a data set by name.

    Args:
        name: "digits" (scikit-learn's 1,797 digits of 8x8 pixels, split 80/20 by class), "mnist" or
            "fashion-mnist" (28x28, their own split).
        folder: where torchvision keeps (Fashion-)MNIST: it holds `MNIST/raw` or `FashionMNIST/raw`.
        classes: keep these only, relabelled 0, 1, ... in the order given.
        limit: keep at most so many training samples, and a quarter as many for testing.
        seed: decides the split of digits and what `limit` keeps.
        most_features: pixels that fit the model: larger images are averaged down to the largest square that does.
        download: whether (Fashion-)MNIST may be fetched into `folder`.

    Raises:
        InvalidInput: an unknown name, class or size, or a missing folder.
        DatasetMissing: the folder lacks the files, or they cannot be read or fetched.
    """
    if name not in DATASETS:
        raise InvalidInput("dataset", name, f"choose one of {', '.join(DATASETS)}")
    if limit is not None and limit < 4:
        raise InvalidInput("limit", limit, "keep at least 4 training samples")
    train, test = _load_digits(seed) if name == "digits" else _load_torchvision(name, folder, download)
    kept = list(range(10)) if classes is None else _check_classes(classes)
    rng = np.random.default_rng(seed)
    parts = []
    for (images, labels), at_most in ((train, limit), (test, None if limit is None else limit // 4)):
        chosen = np.flatnonzero(np.isin(labels, kept))
        if at_most is not None:
            chosen = np.sort(rng.permutation(chosen)[:at_most])
        if not len(chosen):
            raise InvalidInput("classes", kept, f"{name} has no such samples")
        fitting = images[chosen] if most_features is None else shrink_to_fit(images[chosen], most_features)
        relabelled = np.argsort(kept)[np.searchsorted(np.sort(kept), labels[chosen])]
        parts.append(LabelledData(fitting.reshape(len(chosen), -1), relabelled))
    return Dataset(name, parts[0], parts[1], len(kept))


_Images = tuple[NDArray[np.float32], NDArray[np.int64]]
"""Images `[n, height, width]` in [0, 1] and labels `[n]`."""


def _load_digits(seed: int) -> tuple[_Images, _Images]:
    # scikit-learn takes a second to import: only where it is used.
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images, labels = (digits.images / 16).astype(np.float32), digits.target.astype(np.int64)
    split = train_test_split(images, labels, test_size=TEST_SHARE, stratify=labels, random_state=seed)
    return (split[0], split[2]), (split[1], split[3])


def _load_torchvision(name: str, folder: Path | None, download: bool) -> tuple[_Images, _Images]:
    if folder is None:
        raise InvalidInput("folder", None, f"say where {name} is, or where to download it to")
    from torchvision import datasets

    kind = datasets.MNIST if name == "mnist" else datasets.FashionMNIST
    parts = []
    for train in (True, False):
        try:
            part = kind(str(folder), train=train, download=download)
        # Missing files, no network, no permission, a damaged file: there is nothing that torchvision does not raise.
        except Exception as error:
            raise DatasetMissing(name, folder, str(error).strip().split("\n", 1)[0]) from error
        parts.append((part.data.numpy().astype(np.float32) / 255, part.targets.numpy().astype(np.int64)))
    return parts[0], parts[1]


def _check_classes(classes: Sequence[int]) -> list[int]:
    kept = list(classes)
    if len(kept) < 2 or len(set(kept)) != len(kept) or not set(kept) <= set(range(10)):
        raise InvalidInput("classes", kept, "give two or more different ones from 0 to 9")
    return kept
