"""A JSON-RPC connection whose failures are named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from weakref import WeakKeyDictionary

from web3 import HTTPProvider, Web3
from web3.exceptions import Web3Exception
from web3.types import RPCEndpoint, RPCResponse

from qfl.chain.rpc import rpc_at, wait_for
from qfl.errors import ChainUnreachable

_chain_ids: WeakKeyDictionary[Web3, int] = WeakKeyDictionary()


def connect(url: str) -> Web3:
    """Connect to the chain at `url`.

    Raises:
        ChainUnreachable: nothing there speaks Ethereum JSON-RPC.
    """
    web3 = prepare_connection(url)
    chain_id_of(web3)
    return web3


def prepare_connection(url: str) -> Web3:
    """As `connect`, without a look at whether anybody answers: a shard's chain may be down now and come back."""
    web3 = Web3(_Provider(url))
    # It asks for the chain id before every call; `Deployment.check` and the signature's chain id do that job.
    web3.middleware_onion.remove("validation")
    return web3


def url_of(web3: Web3) -> str:
    """The endpoint's address, for messages."""
    return str(getattr(web3.provider, "endpoint_uri", "?"))


def chain_id_of(web3: Web3) -> int:
    """The chain's id, asked for once for each connection.

    Raises:
        ChainUnreachable.
    """
    if web3 not in _chain_ids:
        with reaching(url_of(web3)):
            _chain_ids[web3] = int(web3.eth.chain_id)
    return _chain_ids[web3]


class _Provider(HTTPProvider):
    """Has what web3 asks travel with everything else that goes to the node."""

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        plain = json.loads(self.encode_rpc_request(method, params))["params"]
        return cast(RPCResponse, wait_for(rpc_at(str(self.endpoint_uri)).ask(method, plain)))


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Name every transport failure inside the block `ChainUnreachable`."""
    try:
        yield
    except (ValueError, TypeError) as error:  # an answer that is no JSON-RPC
        if isinstance(error, Web3Exception):
            raise
        raise ChainUnreachable(url, f"not a JSON-RPC answer: {error}") from error
