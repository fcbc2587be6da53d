"""What kind of chain a node serves, found out without changing it: a development chain, one whose time can be moved."""

from __future__ import annotations

from typing import Any

from web3 import Web3
from web3.types import RPCEndpoint

from qfl.chain.rpc.connection import chain_id_of, reaching, url_of

DEVELOPMENT_CLIENTS = ("anvil", "hardhat", "ganache", "ethereumjs")
"""As `web3_clientVersion` names them; Ganache is the one that calls itself by its library (EthereumJS TestRPC)."""
EXACT_CLIENTS = ("anvil", "hardhat")
"""Those whose next block can be put at a given second."""
DEVELOPMENT_CHAIN_IDS = (31337, 1337)


def is_development_chain(web3: Web3) -> bool:
    """Whether nothing on it is worth anything, by its id or its program.

    Raises:
        ChainUnreachable: also where the node is too busy to say.
    """
    return chain_id_of(web3) in DEVELOPMENT_CHAIN_IDS or _is_one_of(DEVELOPMENT_CLIENTS, web3)


def can_move_time(web3: Web3) -> bool:
    """Whether the chain's clock can be set forward: the node is asked to do so by no seconds at all.

    A development node may be behind something that does not let such calls through.

    Raises:
        ChainUnreachable: also where the node is too busy to say.
    """
    return _is_one_of(DEVELOPMENT_CLIENTS, web3) and _ask(web3, "evm_increaseTime", 0) is not None


def can_follow_time(web3: Web3) -> bool:
    """Whether its clock can be set forward to the very second of another chain. Raises as `can_move_time`."""
    return _is_one_of(EXACT_CLIENTS, web3) and can_move_time(web3)


def _is_one_of(clients: tuple[str, ...], web3: Web3) -> bool:
    version = str(_ask(web3, "web3_clientVersion")).lower()  # a node that does not say is none of them
    return any(client in version for client in clients)


def _ask(web3: Web3, method: str, *values: object) -> Any:
    """The node's answer, or None if it refuses."""
    with reaching(url_of(web3)):
        answer = web3.provider.make_request(RPCEndpoint(method), list(values))
        return None if answer.get("error") is not None else answer.get("result")
