"""What a chain does not take back: up to the block that its node calls final, or one that lies deep enough."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from web3 import Web3

from qfl.chain.rpc.answers import reading
from qfl.chain.rpc.connection import block_number, time_of, url_of
from qfl.chain.rpc.rpc import rpc_at, wait_for
from qfl.exchange import is_loopback


class Finality:
    """Of one chain, as one node tells it."""

    def __init__(self, web3: Web3, confirmations: int | None) -> None:
        """`confirmations` is how many blocks on top of one make it final; None: the node's tag `finalized` tells."""
        self._web3, self._confirmations = web3, confirmations

    def block(self) -> str:
        """The last final block now, as JSON-RPC takes one. Raises ChainUnreachable."""
        if self._confirmations is None:
            return "finalized"
        if self._confirmations == 0:
            return "latest"
        return hex(max(0, block_number(self._web3) - self._confirmations))

    def time(self) -> int:
        """When the last final block was made, unix seconds. Raises RpcRefused: the node does not tell."""
        url = url_of(self._web3)
        final = wait_for(rpc_at(url).call("eth_getBlockByNumber", self.block(), False))
        with reading(url, "a block"):
            return int(final["timestamp"], 16)

    def lag_seconds(self) -> int:
        """How much earlier that was than the last block. Raises RpcRefused."""
        return time_of(self._web3) - self.time()


def trusts_nodes(nodes: Sequence[Web3]) -> bool:
    """Whether one node's lie about finality would be noticed: it is this machine's own, or two are asked."""
    urls = [url_of(node) for node in nodes]
    return len(set(urls)) > 1 or is_loopback(urlsplit(urls[0]).hostname or "")
