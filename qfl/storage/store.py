"""Where content objects are kept: bytes in, a sha-256 digest out, and the same bytes for the digest."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from qfl.errors import ContentCorrupt, ContentMissing, ContentTooLarge
from qfl.protocol.cid import cid_of

MAX_BLOCK_BYTES = 1024 * 1024
"""The largest block that every IPFS node takes (https://specs.ipfs.tech/bitswap-protocol/)."""
CACHE_BYTES = 64 * 2**20


class ContentStore(Protocol):
    """A content-addressed store. Digests are the 32 bytes of sha-256 over the whole content."""

    def put(self, data: bytes) -> bytes:
        """Store and pin `data` and return its digest. Storing the same bytes again changes nothing.

        Raises:
            ContentTooLarge: over 1 MiB.
            StoreUnreachable: the store does not answer.
        """

    def get(self, digest: bytes, max_bytes: int) -> bytes:
        """Return the content with this digest (32 bytes), hashed again on the way; no more than `max_bytes` is read.

        Raises:
            ContentMissing: the store does not have it, and cannot get it in time.
            ContentTooLarge: it has more than `max_bytes`.
            ContentCorrupt: the store answered with other bytes.
            StoreUnreachable: the store does not answer.
        """

    def pin(self, digest: bytes) -> None:
        """Keep the content, wherever it is from, until it is unpinned.

        Raises:
            ContentMissing: the store does not have it, and cannot get it in time.
            StoreUnreachable: the store does not answer.
        """

    def unpin(self, digest: bytes) -> None:
        """Let the store forget the content when it needs the room, if it is pinned. Raises StoreUnreachable."""


class MemoryStore:
    """`ContentStore` in this process's memory, for tests and for runs without an IPFS node.

    `blocks` are content by digest, which tests damage as a disk would be; `collect_garbage` spares the `pinned`.
    """

    def __init__(self) -> None:
        self.blocks: dict[bytes, bytes] = {}
        self.pinned: set[bytes] = set()

    def put(self, data: bytes) -> bytes:
        digest = require_block_size(data)
        self.blocks[digest] = bytes(data)
        self.pinned.add(digest)
        return digest

    def get(self, digest: bytes, max_bytes: int) -> bytes:
        try:
            data = self.blocks[digest]
        except KeyError:
            raise ContentMissing(cid_of(digest)) from None
        if len(data) > max_bytes:
            raise ContentTooLarge(cid_of(digest), len(data), max_bytes)
        return require_digest(data, digest)

    def pin(self, digest: bytes) -> None:
        if digest not in self.blocks:
            raise ContentMissing(cid_of(digest))
        self.pinned.add(digest)

    def unpin(self, digest: bytes) -> None:
        self.pinned.discard(digest)

    def collect_garbage(self) -> None:
        """Forget what is not pinned."""
        self.blocks = {digest: data for digest, data in self.blocks.items() if digest in self.pinned}


class CachingStore:
    """`ContentStore` that asks another one only for what it has not seen; safe to use from several threads.

    It keeps at most `capacity_bytes`; what was not asked for longest goes first.
    """

    def __init__(self, store: ContentStore, capacity_bytes: int = CACHE_BYTES) -> None:
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


class ByteBudget:
    """Bytes that threads hold together while they fetch: at most `capacity`; who asks for more than is left waits."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._held = 0
        self._changed = threading.Condition()

    @contextmanager
    def holding(self, count: int) -> Iterator[None]:
        """Hold `count` bytes of it. More than the whole capacity is given to one that is alone."""
        count = min(count, self.capacity)
        with self._changed:
            self._changed.wait_for(lambda: self._held + count <= self.capacity)
            self._held += count
        try:
            yield
        finally:
            with self._changed:
                self._held -= count
                self._changed.notify_all()


def require_block_size(data: bytes) -> bytes:
    """The digest of `data`. Raises ContentTooLarge for more than fits into one block."""
    digest = hashlib.sha256(data).digest()
    if len(data) > MAX_BLOCK_BYTES:
        raise ContentTooLarge(cid_of(digest), len(data), MAX_BLOCK_BYTES)
    return digest


def require_digest(data: bytes, digest: bytes) -> bytes:
    """`data`. Raises ContentCorrupt unless it hashes to `digest`."""
    found = hashlib.sha256(data).digest()
    if found != digest:
        raise ContentCorrupt(cid_of(digest), cid_of(found))
    return data
