"""What every `ContentStore` does. Test classes derive from it and say what the store is."""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from qfl.errors import ContentCorrupt, ContentMissing, ContentTooLarge
from qfl.protocol.cid import cid_of
from qfl.storage.store import MAX_BLOCK_BYTES, ContentStore


@dataclass(frozen=True)
class Shelf:
    """A store, and what can happen behind its back."""

    store: ContentStore
    flip_a_byte: Callable[[bytes], None]
    """Damages the content with this digest where it is kept."""
    collect_garbage: Callable[[], None]


class StoreBehaviour:
    """Derived classes have a fixture `shelf`."""

    @pytest.mark.parametrize("size", [0, 1, 100_000, MAX_BLOCK_BYTES])
    def test_get_returns_what_was_put_under_its_sha256(self, shelf: Shelf, size: int) -> None:
        data = os.urandom(size)
        digest = shelf.store.put(data)
        assert digest == hashlib.sha256(data).digest()
        assert shelf.store.get(digest, max_bytes=size) == data

    def test_put_twice_gives_the_same_digest(self, shelf: Shelf) -> None:
        assert shelf.store.put(b"twice") == shelf.store.put(b"twice")

    def test_put_refuses_more_than_one_block(self, shelf: Shelf) -> None:
        with pytest.raises(ContentTooLarge, match="1048577 bytes, more than the 1048576"):
            shelf.store.put(bytes(MAX_BLOCK_BYTES + 1))

    def test_get_names_the_cid_that_is_missing(self, shelf: Shelf) -> None:
        digest = os.urandom(32)
        with pytest.raises(ContentMissing, match=cid_of(digest)):
            shelf.store.get(digest, max_bytes=100)

    def test_get_refuses_more_than_the_caller_expects(self, shelf: Shelf) -> None:
        digest = shelf.store.put(os.urandom(300_000))
        with pytest.raises(ContentTooLarge, match="300000 bytes, more than the 299999"):
            shelf.store.get(digest, max_bytes=299_999)

    def test_get_detects_a_flipped_byte(self, shelf: Shelf) -> None:
        digest = shelf.store.put(os.urandom(5_000))
        shelf.flip_a_byte(digest)
        with pytest.raises(ContentCorrupt, match=cid_of(digest)):
            shelf.store.get(digest, max_bytes=5_000)

    def test_put_repairs_a_damaged_copy(self, shelf: Shelf) -> None:
        data = os.urandom(5_000)
        shelf.flip_a_byte(digest := shelf.store.put(data))
        shelf.store.put(data)
        assert shelf.store.get(digest, max_bytes=5_000) == data

    def test_garbage_collection_spares_what_is_pinned(self, shelf: Shelf) -> None:
        kept, dropped = shelf.store.put(os.urandom(100)), shelf.store.put(os.urandom(100))
        shelf.store.unpin(dropped)
        shelf.collect_garbage()
        assert len(shelf.store.get(kept, max_bytes=100)) == 100
        with pytest.raises(ContentMissing):
            shelf.store.get(dropped, max_bytes=100)

    def test_pin_keeps_what_was_let_go_and_a_second_one_does_nothing(self, shelf: Shelf) -> None:
        digest = shelf.store.put(os.urandom(100))
        shelf.store.unpin(digest)
        shelf.store.pin(digest)
        shelf.store.pin(digest)
        shelf.collect_garbage()
        assert len(shelf.store.get(digest, max_bytes=100)) == 100

    def test_pin_of_what_nobody_has_is_missing(self, shelf: Shelf) -> None:
        with pytest.raises(ContentMissing):
            shelf.store.pin(os.urandom(32))

    def test_unpin_of_what_is_not_pinned_does_nothing(self, shelf: Shelf) -> None:
        digest = shelf.store.put(b"unpinned twice")
        shelf.store.unpin(digest)
        shelf.store.unpin(digest)
        assert shelf.store.get(digest, max_bytes=100) == b"unpinned twice"

    def test_threads_store_and_fetch_at_once(self, shelf: Shelf) -> None:
        # Every second one is the same content: all validators store the aggregate that they agree on.
        contents = [os.urandom(20_000) if turn % 2 else b"agreed" * 1_000 for turn in range(32)]
        with ThreadPoolExecutor(8) as threads:
            digests = list(threads.map(shelf.store.put, contents))
            fetched = list(threads.map(lambda digest: shelf.store.get(digest, max_bytes=20_000), digests))
        assert fetched == contents
