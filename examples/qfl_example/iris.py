"""A data set: Fisher's irises, 150 flowers of three kinds, four lengths each."""

import numpy as np
from sklearn import datasets

from qfl.training.data.datasets import DATASETS, Samples, Source


@DATASETS.register("iris")
def load_iris(source: Source) -> tuple[Samples, Samples]:
    """Four in five to train on; the seed decides which."""
    iris = datasets.load_iris()
    features = (iris.data / iris.data.max(axis=0)).astype(np.float32)
    order = np.random.default_rng(source.seed).permutation(len(features))
    train, test = np.split(order, [len(order) * 4 // 5])
    return (features[train], iris.target[train]), (features[test], iris.target[test])
