"""The data sets that a run can name: scikit-learn's digits, MNIST and Fashion-MNIST by torchvision, and others'."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qfl.doors import Door
from qfl.errors import DatasetMissing, InvalidInput

Samples = tuple[NDArray[np.float32], NDArray[np.int64]]
"""Images `[n, height, width]`, or features `[n, f]`, in [0, 1]; and labels `[n]`, whole numbers from 0."""


@dataclass(frozen=True)
class Source:
    """Where a data set comes from: the `folder` that the user names, whether it may `download` into it, a `seed`."""

    folder: Path | None
    download: bool
    seed: int


DATASETS: Door[Callable[[Source], tuple[Samples, Samples]]] = Door("data set", "qfl.training.data", takes=1)
"""Each entry loads samples to train on, and samples to test with."""
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
            shapes = self.features.shape, self.labels.shape
            raise InvalidInput("data", shapes, "give features [n, f] and labels [n], n at least 1")
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
        name: "digits", "mnist", "fashion-mnist", or another data set's.
        folder: where its files are, such as `MNIST/raw` and `FashionMNIST/raw`.
        classes: keep these only, relabelled 0, 1, ... in the order given.
        limit: keep at most so many training samples, and a quarter as many for testing.
        seed: decides what `limit` keeps, and the split of a data set that has none.
        most_features: pixels that fit the model: larger images are averaged down to the largest square that does.
        download: whether it may be fetched into `folder`.

    Raises:
        InvalidInput: an unknown class or size, a missing folder, or features that do not fit or are not in [0, 1].
        NotInstalled, DoorBroken: nobody has such a data set here, or it cannot be loaded.
        DatasetMissing: the folder lacks the files, or they cannot be read or fetched.
    """
    load = DATASETS.find(name, "dataset")
    if limit is not None and limit < 4:
        raise InvalidInput("limit", limit, "keep at least 4 training samples")
    train, test = load(Source(folder, download, seed))
    found = np.unique(train[1]).tolist()
    kept = found if classes is None else _check_classes(classes, found)
    rng = np.random.default_rng(seed)
    parts = []
    for (images, labels), at_most in ((train, limit), (test, None if limit is None else limit // 4)):
        chosen = np.flatnonzero(np.isin(labels, kept))
        if at_most is not None:
            chosen = np.sort(rng.permutation(chosen)[:at_most])
        if not len(chosen):
            raise InvalidInput("classes", kept, f"{name} has no such samples")
        if not (images.min() >= 0 and images.max() <= 1):
            raise InvalidInput("dataset", name, f"goes from {images.min():g} to {images.max():g}: scale it to [0, 1]")
        fitting = images[chosen] if most_features is None else shrink_to_fit(images[chosen], most_features)
        relabelled = np.argsort(kept)[np.searchsorted(np.sort(kept), labels[chosen])]
        parts.append(LabelledData(fitting.reshape(len(chosen), -1), relabelled))
    return Dataset(name, parts[0], parts[1], len(kept))


def _check_classes(classes: Sequence[int], found: list[int]) -> list[int]:
    kept = list(classes)
    if len(kept) < 2 or len(set(kept)) != len(kept) or not set(kept) <= set(found):
        raise InvalidInput("classes", kept, f"give two or more different ones from {found[0]} to {found[-1]}")
    return kept


def shrink_to_fit(images: NDArray[np.float32], most_pixels: int) -> NDArray[np.float32]:
    """Images `[n, height, width]` as they are, or resized to the largest square of at most `most_pixels`.

    Raises:
        InvalidInput: not even one pixel fits, or features `[n, f]`, which are no images, do not.
    """
    if most_pixels < 1:
        raise InvalidInput("most_features", most_pixels, "must be at least 1")
    if images[0].size <= most_pixels:
        return images
    if images.ndim != 3:
        remedy = f"the model takes {most_pixels}, and these are no images to shrink"
        raise InvalidInput("features", images[0].size, remedy)
    return area_resize(images, math.isqrt(most_pixels))


def area_resize(images: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Resize `[n, height, width]` to `[n, side, side]` by the mean over each new pixel's area.

    Exact for sizes that do not divide: an old pixel cut by a border counts for each side by its share. Values
    keep their range, and the mean brightness is unchanged.
    """
    down, across = (_overlaps(length, side) for length in images.shape[1:])
    return np.asarray(down @ images @ across.T, dtype=np.float32)


def _overlaps(length: int, side: int) -> NDArray[np.float32]:
    """Share of new pixel `i` that old pixel `j` covers: `[side, length]`, rows sum to 1."""
    old = np.arange(length + 1) / length
    new = np.arange(side + 1) / side
    ends = np.minimum(new[1:, None], old[None, 1:])
    starts = np.maximum(new[:-1, None], old[None, :-1])
    return np.asarray(np.clip(ends - starts, 0.0, None) * side, dtype=np.float32)


@DATASETS.register("digits")
def load_digits(source: Source) -> tuple[Samples, Samples]:
    """1,797 of 8x8 pixels, which come with scikit-learn, split 80/20 by class; the seed decides how."""
    # scikit-learn takes a second to import: only where it is used.
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    digits = datasets.load_digits()
    images, labels = (digits.images / 16).astype(np.float32), digits.target.astype(np.int64)
    split = train_test_split(images, labels, test_size=TEST_SHARE, stratify=labels, random_state=source.seed)
    return (split[0], split[2]), (split[1], split[3])


@DATASETS.register("mnist")
def load_mnist(source: Source) -> tuple[Samples, Samples]:
    """28x28 pixels, in the split they come with; `source.folder` holds `MNIST/raw`."""
    return _load_pictures("mnist", "MNIST", source)


@DATASETS.register("fashion-mnist")
def load_fashion_mnist(source: Source) -> tuple[Samples, Samples]:
    """As MNIST; `source.folder` holds `FashionMNIST/raw`."""
    return _load_pictures("fashion-mnist", "FashionMNIST", source)


def _load_pictures(name: str, kind: str, source: Source) -> tuple[Samples, Samples]:
    if source.folder is None:
        raise InvalidInput("folder", None, f"say where {name} is, or where to download it to")
    from torchvision import datasets

    parts = []
    for train in (True, False):
        try:
            part = getattr(datasets, kind)(str(source.folder), train=train, download=source.download)
        # Missing files, no network, no permission, a damaged file: there is nothing that torchvision does not raise.
        except Exception as error:
            raise DatasetMissing(name, source.folder, str(error).strip().split("\n", 1)[0]) from error
        parts.append((part.data.numpy().astype(np.float32) / 255, part.targets.numpy().astype(np.int64)))
    return parts[0], parts[1]
