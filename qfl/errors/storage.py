"""The content store."""

from __future__ import annotations

from qfl.errors.base import QflError
from qfl.errors.secrets import conceal_address


class StorageError(QflError):
    """The content store did not give what was asked."""

    exit_code = 4


class StoreUnreachable(StorageError):
    """No IPFS node answers."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"no IPFS node at {conceal_address(address)} ({reason}): start one with `qfl devnet up`, or pass --ipfs"
        )
        self.address, self.reason = address, reason


class PeerUnreachable(StorageError):
    """An IPFS node cannot connect to another."""

    def __init__(self, multiaddr: str, node: str, reason: str) -> None:
        super().__init__(f"the IPFS node at {conceal_address(node)} cannot connect to {multiaddr}: {reason}")
        self.multiaddr, self.node, self.reason = multiaddr, node, reason


class ContentUnusable(StorageError):
    """The store answers, but not with the content that was asked for."""


class ContentMissing(ContentUnusable):
    """The node cannot get a block."""

    def __init__(self, cid: str) -> None:
        super().__init__(f"content {cid} cannot be fetched: its owner has not stored it, or is offline")
        self.cid = cid


class ContentCorrupt(ContentUnusable):
    """What came back does not hash to what was asked for."""

    def __init__(self, cid: str, got: str) -> None:
        super().__init__(f"content {cid} came back as {got}: the node's disk or the node itself is not to be trusted")
        self.cid, self.got = cid, got


class ContentTooLarge(ContentUnusable):
    """A block is larger than the protocol allows."""

    def __init__(self, cid: str, size: int, limit: int) -> None:
        super().__init__(f"content {cid} has {size} bytes, more than the {limit} allowed")
        self.cid, self.size, self.limit = cid, size, limit
