"""A store that asks another one only for what it has not seen: content under a digest never changes."""

from __future__ import annotations

import threading
from collections import OrderedDict

from qfl.errors import ContentTooLarge
from qfl.protocol.cid import cid_of
from qfl.storage.store import ContentStore, require_block_size

CAPACITY_BYTES = 64 * 2**20


class CachingStore:
    """`ContentStore` in front of another one. Safe to use from several threads.

    Args:
        capacity_bytes: What it keeps at most; what was not asked for longest goes first.
    """

    def __init__(self, store: ContentStore, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self._store, self._capacity_bytes = store, capacity_bytes
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def put(self, data: bytes) -> bytes:
        return self._store.put(data)

    def get(self, digest: bytes, max_bytes: int) -> bytes:
        with self._lock:
            data = self._kept.get(digest)
            if data is not None:
                self._kept.move_to_end(digest)
        if data is None:
            data = self._store.get(digest, max_bytes)
            self._keep(digest, data)
        if len(data) > max_bytes:
            raise ContentTooLarge(cid_of(digest), len(data), max_bytes)
        return data

    def pin(self, digest: bytes) -> None:
        self._store.pin(digest)

    def unpin(self, digest: bytes) -> None:
        self._store.unpin(digest)

    def remember(self, data: bytes) -> bytes:
        """Keep what was computed here as if it had been fetched, and return its digest."""
        digest = require_block_size(data)
        self._keep(digest, data)
        return digest

    def _keep(self, digest: bytes, data: bytes) -> None:
        with self._lock:
            if digest not in self._kept:
                self._kept[digest] = data
                self._bytes += len(data)
            while self._bytes > self._capacity_bytes:
                self._bytes -= len(self._kept.popitem(last=False)[1])
