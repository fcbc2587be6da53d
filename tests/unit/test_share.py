"""The share of a client that runs in a process of its own: the same part that `qfl run` would give it."""

from __future__ import annotations

import numpy as np
import pytest

from qfl.errors import InvalidInput
from qfl.training.data.datasets import load_dataset
from qfl.training.data.own import Split, load_shares
from qfl.training.data.partition import parse_partition, partition


def share(text="2/5", classes=tuple(range(10)), scheme="iid", features=64, seed=1):
    ((index, data),) = load_shares(Split("digits", "data", classes, scheme, seed), text, features, len(classes)).items()
    return index, data


def test_share_is_the_part_that_a_run_in_one_process_gives_this_client():
    index, data = share("2/5", scheme="dirichlet:0.5", seed=3)
    whole = load_dataset("digits", seed=3).train
    part = partition(whole.labels, 5, parse_partition("dirichlet:0.5"), 3)[1]
    assert index == 1
    assert np.array_equal(data.features, whole.features[part])
    assert np.array_equal(data.labels, whole.labels[part])


def test_shares_have_all_samples_once():
    assert sum(len(share(f"{k}/3")[1].labels) for k in (1, 2, 3)) == len(load_dataset("digits").train.labels)


def test_several_shares_are_each_what_they_are_alone():
    """A process that hosts clients 2 and 3 must train them on what processes of their own would."""
    several = load_shares(Split("digits", "data", (), "iid", 1), "2-3/4", 64, 10)
    assert list(several) == [1, 2]
    for index, data in several.items():
        assert np.array_equal(data.features, share(f"{index + 1}/4")[1].features)


def test_only_the_chosen_labels_are_kept():
    """A client of a job for threes and sixes that trains on zeros and ones would poison it in good faith."""
    _, data = share("1/1", classes=(3, 6))
    threes = load_dataset("digits", classes=(3, 6), seed=1).train
    assert np.array_equal(data.features, threes.features)
    assert set(data.labels) == {0, 1}


def test_images_are_shrunk_to_what_the_model_takes():
    _, data = share(features=16)
    assert data.features.shape[1] == 16


@pytest.mark.parametrize("text", ["0/5", "6/5", "2", "2/", "3-2/5", "2-6/5", "a/b", "-1/5", "1/0"])
def test_share_that_does_not_exist_says_what_to_write(text):
    with pytest.raises(InvalidInput, match="write K/N"):
        share(text)


def test_model_that_takes_more_than_the_data_has_is_refused():
    with pytest.raises(InvalidInput, match="has 64 features, the job's model takes 100"):
        share(features=100)
