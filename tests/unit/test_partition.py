"""Dealing samples out: every sample has one owner, whatever the scheme; validators hold a fair picture of all."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from qfl.errors import InvalidInput
from qfl.training.data.datasets import load_dataset
from qfl.training.data.own import Split, load_shares
from qfl.training.data.partition import ClassesPerClient, Dirichlet, Iid, Scheme, hold_out, parse_partition, partition

LABELS = np.repeat(np.arange(10), 100)


def _counts(parts: list[NDArray[np.int64]], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Samples of each class `[clients, classes]`."""
    return np.array([np.bincount(labels[part], minlength=10) for part in parts])


schemes = st.one_of(
    st.just(Iid()),
    st.builds(Dirichlet, st.floats(1e-4, 1e4)),
    st.builds(ClassesPerClient, st.integers(1, 4)),
)


@settings(max_examples=150)
@given(
    labels=st.lists(st.integers(0, 3), min_size=1, max_size=80).map(lambda values: np.array(values, np.int64)),
    clients=st.integers(1, 12),
    scheme=schemes,
    seed=st.integers(0, 2**32),
)
def test_every_sample_has_one_owner(labels: NDArray[np.int64], clients: int, scheme: Scheme, seed: int) -> None:
    try:
        parts = partition(labels, clients, scheme, seed)
    except InvalidInput:
        # Only ever where the scheme cannot be met.
        assert len(labels) < 2 * clients or isinstance(scheme, ClassesPerClient)
        return
    assert len(parts) == clients
    assert min(len(part) for part in parts) >= 2
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(labels)))
    for part, again in zip(parts, partition(labels, clients, scheme, seed), strict=True):
        np.testing.assert_array_equal(part, again)


def test_iid_parts_are_even_and_mixed() -> None:
    parts = partition(LABELS, 5, Iid(), 1)
    assert [len(part) for part in parts] == [200] * 5
    assert _counts(parts, LABELS).min() >= 8


@pytest.mark.parametrize("count", [1, 2, 3, 10])
def test_each_client_holds_so_many_classes(count: int) -> None:
    counts = _counts(partition(LABELS, 10, ClassesPerClient(count), 4), LABELS)
    assert (np.count_nonzero(counts, axis=1) == count).all()
    assert (counts.sum(axis=0) == 100).all()


def test_small_alpha_is_more_one_sided() -> None:
    def spread(alpha: float) -> float:
        return float(_counts(partition(LABELS, 5, Dirichlet(alpha), 3), LABELS).std(axis=0).mean())

    assert spread(0.1) > 1.5 * spread(1.0) > 3 * spread(1000.0)


def test_seed_changes_the_deal() -> None:
    first, second = (partition(LABELS, 5, Dirichlet(0.5), seed) for seed in (1, 2))
    assert [len(part) for part in first] != [len(part) for part in second]


@pytest.mark.parametrize(
    ("text", "scheme"),
    [("iid", Iid()), ("dirichlet:0.5", Dirichlet(0.5)), ("classes:2", ClassesPerClient(2))],
)
def test_parse(text: str, scheme: Scheme) -> None:
    assert parse_partition(text) == scheme


@pytest.mark.parametrize(
    "text",
    ["", "IID", "iid:1", "dirichlet", "dirichlet:0", "dirichlet:-1", "dirichlet:nan", "dirichlet:inf", "classes:0",
     "classes:1.5", "classes", "shards:2"],
)  # fmt: skip
def test_parse_refuses(text: str) -> None:
    with pytest.raises(InvalidInput, match="partition"):
        parse_partition(text)


def test_refuses_more_clients_than_the_samples_allow() -> None:
    with pytest.raises(InvalidInput, match="only up to 5"):
        partition(np.zeros(10, np.int64), 6, Iid(), 1)
    with pytest.raises(InvalidInput, match="at least 1"):
        partition(LABELS, 0, Iid(), 1)


def test_eight_classes_and_seven_clients_make_a_chain() -> None:
    """As in the published comparison: client k holds classes k and k + 1 of the shuffled ones."""
    labels = np.repeat(np.arange(8), 70)
    counts = np.array([np.bincount(labels[part], minlength=8) for part in partition(labels, 7, "classes:2", 4)])
    held = [set(np.flatnonzero(row)) for row in counts]
    assert [len(hand) for hand in held] == [2] * 7
    assert [len(one & other) for one, other in itertools.pairwise(held)] == [1] * 6
    assert set.union(*held) == set(range(8))


def test_refuses_classes_that_cannot_be_dealt() -> None:
    with pytest.raises(InvalidInput, match="has 10 classes"):
        partition(LABELS, 5, "classes:11", 1)
    with pytest.raises(InvalidInput, match="need 4 each"):
        partition(LABELS, 3, "classes:2", 1)
    # Ten clients for one class of nine samples: somebody would go empty-handed.
    with pytest.raises(InvalidInput, match="fewer clients"):
        partition(np.repeat([0, 1], [9, 91]), 20, "classes:1", 1)


# --- a client's share in a process of its own ---


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


# --- what validators hold ---


HELD = np.repeat(np.arange(5), [100, 40, 40, 40, 20])


def test_nothing_is_held_by_two_and_nothing_is_lost():
    rest, parts = hold_out(HELD, 20, 4, seed=1)
    everything = np.concatenate([rest, *parts])
    assert sorted(everything.tolist()) == list(range(len(HELD)))


def test_every_validator_sees_every_class_in_its_proportion():
    _, parts = hold_out(HELD, 20, 4, seed=1)
    assert [np.bincount(HELD[part], minlength=5).tolist() for part in parts] == [[5, 2, 2, 2, 1]] * 4


def test_without_a_share_clients_keep_everything():
    rest, parts = hold_out(HELD, 0, 4, seed=1)
    assert rest.tolist() == list(range(len(HELD)))
    assert parts == []


def test_the_seed_decides():
    assert not np.array_equal(hold_out(HELD, 20, 4, seed=1)[0], hold_out(HELD, 20, 4, seed=2)[0])


@pytest.mark.parametrize(("percent", "reason"), [(51, "0 to 50"), (-1, "0 to 50"), (5, "hold out more")])
def test_shares_that_are_refused(percent, reason):
    with pytest.raises(InvalidInput, match=reason):
        hold_out(HELD, percent, 4, seed=1)
