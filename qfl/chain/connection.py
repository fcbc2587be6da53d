"""A JSON-RPC connection whose failures are named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlparse

import requests
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3Exception

from qfl.errors import ChainUnreachable

TIMEOUT_SECONDS = 30
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def connect(url: str) -> Web3:
    """Connect to the chain at `url`.

    Raises:
        ChainUnreachable: nothing there speaks Ethereum JSON-RPC.
    """
    session = requests.Session()
    # A proxy meant for the outside must not catch, nor slow down, calls to a chain on this machine.
    session.trust_env = urlparse(url).hostname not in LOOPBACK
    web3 = Web3(HTTPProvider(url, request_kwargs={"timeout": TIMEOUT_SECONDS}, session=session))
    # It asks for the chain id before every call; `Deployment.check` and the signature's chain id do that job.
    web3.middleware_onion.remove("validation")
    with reaching(url):
        _ = web3.eth.chain_id
    return web3


def url_of(web3: Web3) -> str:
    """The endpoint's address, for messages."""
    return str(getattr(web3.provider, "endpoint_uri", "?"))


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Name every transport failure inside the block `ChainUnreachable`."""
    try:
        yield
    except requests.RequestException as error:
        raise ChainUnreachable(url, type(error).__name__) from error
    except (ValueError, TypeError) as error:  # an answer that is no JSON-RPC
        if isinstance(error, Web3Exception):
            raise
        raise ChainUnreachable(url, f"not a JSON-RPC answer: {error}") from error
