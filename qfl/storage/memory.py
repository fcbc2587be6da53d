"""A store in this process's memory, for tests and for runs without an IPFS node."""

from __future__ import annotations

from qfl.errors import ContentMissing, ContentTooLarge
from qfl.protocol.cid import cid_of
from qfl.storage.store import require_block_size, require_digest


class MemoryStore:
    """`ContentStore` in a dictionary.

    Attributes:
        blocks: Content by digest. Tests damage it as a disk would be damaged.
        pinned: Digests that `collect_garbage` spares.
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
