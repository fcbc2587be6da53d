"""scikit-learn's 1,797 handwritten digits of 8x8 pixels, split 80/20 by class."""

from __future__ import annotations

import numpy as np

from qfl.training.data.datasets import DATASETS, Samples, Source

TEST_SHARE = 0.2


@DATASETS.register("digits")
def load_digits(source: Source) -> tuple[Samples, Samples]:
    """Comes with scikit-learn; the seed decides the split."""
    # scikit-learn takes a second to import: only where it is used.
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    digits = datasets.load_digits()
    images, labels = (digits.images / 16).astype(np.float32), digits.target.astype(np.int64)
    split = train_test_split(images, labels, test_size=TEST_SHARE, stratify=labels, random_state=source.seed)
    return (split[0], split[2]), (split[1], split[3])
