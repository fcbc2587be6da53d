"""What is let go when: nothing that can still be disputed, and nothing at all where everything is kept."""

from __future__ import annotations

import pytest

from qfl.errors import InvalidInput
from qfl.storage.retention import Retention, retention_of
from qfl.storage.store import MemoryStore


@pytest.mark.parametrize(("final", "released"), [(0, 0), (2, 0), (3, 0), (4, 1), (50, 47)])
def test_the_last_three_final_rounds_are_kept(final, released):
    assert Retention(3, MemoryStore()).last_released(final) == released


def test_zero_keeps_everything():
    assert retention_of(0, MemoryStore()) is None


def test_a_window_of_none_is_refused():
    """Its base would be gone before the next round has been trained on it."""
    with pytest.raises(InvalidInput, match="must be 1 or more"):
        Retention(-1, MemoryStore())
