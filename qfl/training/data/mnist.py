"""MNIST and Fashion-MNIST as torchvision keeps them: 28x28 pixels, in the split they come with."""

from __future__ import annotations

import numpy as np

from qfl.errors import DatasetMissing, InvalidInput
from qfl.training.data.datasets import DATASETS, Samples, Source


@DATASETS.register("mnist")
def load_mnist(source: Source) -> tuple[Samples, Samples]:
    """`source.folder` holds `MNIST/raw`."""
    return _load("mnist", "MNIST", source)


@DATASETS.register("fashion-mnist")
def load_fashion_mnist(source: Source) -> tuple[Samples, Samples]:
    """`source.folder` holds `FashionMNIST/raw`."""
    return _load("fashion-mnist", "FashionMNIST", source)


def _load(name: str, kind: str, source: Source) -> tuple[Samples, Samples]:
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
