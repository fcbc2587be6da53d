"""Where content objects are kept: bytes in, a sha-256 digest out, and the same bytes for the digest."""

from __future__ import annotations

import hashlib
from typing import Protocol

from qfl.errors import ContentCorrupt, ContentTooLarge
from qfl.protocol.cid import cid_of

MAX_BLOCK_BYTES = 1024 * 1024
"""The largest block that every IPFS node takes (https://specs.ipfs.tech/bitswap-protocol/)."""


class ContentStore(Protocol):
    """A content-addressed store. Digests are the 32 bytes of sha-256 over the whole content."""

    def put(self, data: bytes) -> bytes:
        """Store and pin `data` and return its digest. Storing the same bytes again changes nothing.

        Raises:
            ContentTooLarge: over 1 MiB.
            StoreUnreachable: the store does not answer.
        """

    def get(self, digest: bytes, max_bytes: int) -> bytes:
        """Return the content with this digest, hashed again on the way.

        Args:
            digest: 32 bytes.
            max_bytes: The most that the caller expects; no more than that is read.

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
        """Let the store forget the content when it needs the room. No error if it is not pinned.

        Raises:
            StoreUnreachable: the store does not answer.
        """


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
