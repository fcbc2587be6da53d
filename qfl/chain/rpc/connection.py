"""A JSON-RPC connection whose failures are named."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from web3 import HTTPProvider, Web3
from web3.exceptions import Web3Exception, Web3RPCError
from web3.middleware import ExtraDataToPOAMiddleware
from web3.types import RPCEndpoint, RPCResponse

from qfl.chain.rpc.answers import MISREAD, refusal_of, unreachable_at
from qfl.chain.rpc.rpc import rpc_at, wait_for
from qfl.errors import InvalidInput, NodeContradictsItself
from qfl.errors.text import conceal_address

_chain_ids: WeakKeyDictionary[Web3, int] = WeakKeyDictionary()


def connect(url: str) -> Web3:
    """Connect to the chain at `url`. Raises InvalidInput: no URL of HTTP; ChainUnreachable: no JSON-RPC there."""
    web3 = prepare_connection(url)
    chain_id_of(web3)
    return web3


def prepare_connection(url: str) -> Web3:
    """As `connect`, without a look at whether anybody answers: a shard's chain may be down now and come back."""
    _require_url(url)
    web3 = Web3(_Provider(url))
    # It asks for the chain id before every call; `Deployment.check` and the signature's chain id do that job.
    web3.middleware_onion.remove("validation")
    # Chains with proof of authority have signatures in `extraData`, and web3 would take none of their blocks.
    web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    return web3


def _require_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets without an end, or a port that is no number
        is_one = False
    if not is_one:
        raise InvalidInput("rpc address", conceal_address(url), "pass a URL such as http://127.0.0.1:8545")


def url_of(web3: Web3) -> str:
    """The endpoint's address, for messages."""
    return str(getattr(web3.provider, "endpoint_uri", "?"))


def chain_id_of(web3: Web3) -> int:
    """The chain's id, asked for once for each connection. Raises `ChainUnreachable`."""
    if web3 not in _chain_ids:
        with reaching(url_of(web3)):
            _chain_ids[web3] = int(web3.eth.chain_id)
    return _chain_ids[web3]


def block_number(web3: Web3) -> int:
    """The number of the latest block. Raises `ChainUnreachable`."""
    with reaching(url_of(web3)):
        return int(web3.eth.block_number)


def time_of(web3: Web3) -> int:
    """The time of the latest block, unix seconds. Raises `ChainUnreachable`."""
    with reaching(url_of(web3)):
        return int(web3.eth.get_block("latest")["timestamp"])


def code_at(web3: Web3, address: str) -> bytes:
    """The code at `address`; empty where no contract is. Raises `ChainUnreachable`."""
    with reaching(url_of(web3)):
        return bytes(web3.eth.get_code(Web3.to_checksum_address(address)))


class _Provider(HTTPProvider):
    """Has what web3 asks travel with everything else that goes to the node."""

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        plain = json.loads(self.encode_rpc_request(method, params))["params"]
        return cast(RPCResponse, wait_for(rpc_at(str(self.endpoint_uri)).ask(method, plain)))


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Name everything that an answer of the node at `url` makes fail inside the block.

    Raises:
        NodeBusy, RpcRefused: as `qfl.chain.rpc.answers.refusal_of`.
        NodeContradictsItself: the answer is not what was asked for.
        ChainUnreachable: it is no JSON-RPC.
    """
    try:
        yield
    except Web3RPCError as error:
        raise refusal_of(url, "a call", error=(error.rpc_response or {}).get("error", str(error))) from error
    except Web3Exception as error:
        raise NodeContradictsItself(url, str(error)) from error
    except MISREAD as error:
        raise unreachable_at(url, f"not a JSON-RPC answer: {error}") from error
