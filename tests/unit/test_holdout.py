"""What validators hold of the training data: a fair picture of it, and nothing that a client trains on."""

from __future__ import annotations

import numpy as np
import pytest

from qfl.errors import InvalidInput
from qfl.training.data.partition import hold_out

LABELS = np.repeat(np.arange(5), [100, 40, 40, 40, 20])


def test_nothing_is_held_by_two_and_nothing_is_lost():
    rest, parts = hold_out(LABELS, 20, 4, seed=1)
    everything = np.concatenate([rest, *parts])
    assert sorted(everything.tolist()) == list(range(len(LABELS)))


def test_every_validator_sees_every_class_in_its_proportion():
    _, parts = hold_out(LABELS, 20, 4, seed=1)
    assert [np.bincount(LABELS[part], minlength=5).tolist() for part in parts] == [[5, 2, 2, 2, 1]] * 4


def test_without_a_share_clients_keep_everything():
    rest, parts = hold_out(LABELS, 0, 4, seed=1)
    assert rest.tolist() == list(range(len(LABELS)))
    assert parts == []


def test_the_seed_decides():
    assert not np.array_equal(hold_out(LABELS, 20, 4, seed=1)[0], hold_out(LABELS, 20, 4, seed=2)[0])


@pytest.mark.parametrize(("percent", "reason"), [(51, "0 to 50"), (-1, "0 to 50"), (5, "hold out more")])
def test_shares_that_are_refused(percent, reason):
    with pytest.raises(InvalidInput, match=reason):
        hold_out(LABELS, percent, 4, seed=1)
