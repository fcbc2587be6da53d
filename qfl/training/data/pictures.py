"""The data sets of this package: scikit-learn's handwritten digits, and MNIST and Fashion-MNIST by torchvision."""

import numpy as np

from qfl.errors import DatasetMissing, InvalidInput
from qfl.training.data.datasets import DATASETS, Samples, Source

TEST_SHARE = 0.2


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
    return _load("mnist", "MNIST", source)


@DATASETS.register("fashion-mnist")
def load_fashion_mnist(source: Source) -> tuple[Samples, Samples]:
    """As MNIST; `source.folder` holds `FashionMNIST/raw`."""
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
