"""Stores in memory: what every store does, what a cache adds to it, and what is let go when."""

from collections.abc import Callable

import pytest
from store_behaviour import Shelf, StoreBehaviour

from qfl.errors import ContentMissing, ContentTooLarge, InvalidInput
from qfl.node.pruner import Retention, retention_of
from qfl.storage.store import CachingStore, ContentStore, MemoryStore


@pytest.mark.parametrize("wrap", [lambda inner: inner, CachingStore], ids=["memory", "cache"])
class TestStoresInMemory(StoreBehaviour):
    @pytest.fixture
    def shelf(self, wrap: Callable[[MemoryStore], ContentStore]) -> Shelf:
        inner = MemoryStore()

        def flip_a_byte(digest: bytes) -> None:
            data = inner.blocks[digest]
            inner.blocks[digest] = bytes([data[0] ^ 1]) + data[1:]

        return Shelf(wrap(inner), flip_a_byte, inner.collect_garbage)


def test_what_was_fetched_once_outlives_the_store():
    inner = MemoryStore()
    cache, digest = CachingStore(inner), inner.put(b"content")
    cache.get(digest, 7)
    inner.blocks.clear()
    assert cache.get(digest, 7) == b"content"


def test_what_was_computed_is_as_good_as_fetched():
    cache = CachingStore(MemoryStore())
    digest = cache.remember(b"recomputed")
    assert cache.get(digest, 10) == b"recomputed"
    with pytest.raises(ContentTooLarge):
        cache.get(digest, 9)


def test_what_was_asked_for_longest_ago_goes_first():
    """Unbounded, a challenger that runs for months would fill the memory."""
    cache = CachingStore(MemoryStore(), capacity_bytes=20)
    first, second = cache.remember(b"a" * 10), cache.remember(b"b" * 10)
    cache.get(first, 10)
    cache.remember(b"c" * 10)
    assert cache.get(first, 10) == b"a" * 10
    with pytest.raises(ContentMissing):
        cache.get(second, 10)


# --- retention ---


@pytest.mark.parametrize(("final", "released"), [(0, 0), (2, 0), (3, 0), (4, 1), (50, 47)])
def test_the_last_three_final_rounds_are_kept(final, released):
    assert Retention(3, MemoryStore()).last_released(final) == released


def test_zero_keeps_everything():
    assert retention_of(0, MemoryStore()) is None


def test_a_window_of_none_is_refused():
    """Its base would be gone before the next round has been trained on it."""
    with pytest.raises(InvalidInput, match="must be 1 or more"):
        Retention(-1, MemoryStore())
