"""The cache in front of a store: it behaves as the store does, and asks it once."""

from __future__ import annotations

import pytest
from store_behaviour import Shelf, StoreBehaviour

from qfl.errors import ContentMissing, ContentTooLarge
from qfl.storage.store import CachingStore, MemoryStore


class TestCachingStore(StoreBehaviour):
    @pytest.fixture
    def shelf(self) -> Shelf:
        inner = MemoryStore()

        def flip_a_byte(digest: bytes) -> None:
            data = inner.blocks[digest]
            inner.blocks[digest] = bytes([data[0] ^ 1]) + data[1:]

        return Shelf(CachingStore(inner), flip_a_byte, inner.collect_garbage)


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
