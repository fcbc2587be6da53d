"""The chain's time; which chains are for development, and moving their time forward.

Deadlines are timestamps and no contract has a shortcut past them. A runner whose own participants have all acted may
move a development chain's clock; on any other chain it waits.
"""

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

from web3 import Web3
from web3.types import RPCEndpoint

from qfl.chain.rpc.calls import UnsentCall
from qfl.chain.rpc.connection import chain_id_of, reaching, time_of, url_of
from qfl.chain.rpc.sender import Sender
from qfl.errors import ChainUnreachable, ClockNotMovable

log = logging.getLogger(__name__)

QUIET_SECONDS = 15.0
"""A chain without a block for longer than a slot of Ethereum makes none until somebody sends something."""
DEVELOPMENT_CLIENTS = ("anvil", "hardhat", "ganache", "ethereumjs")
"""As `web3_clientVersion` names them; Ganache is the one that calls itself by its library (EthereumJS TestRPC)."""
EXACT_CLIENTS = ("anvil", "hardhat")
"""Those whose next block can be put at a given second."""
DEVELOPMENT_CHAIN_IDS = (31337, 1337)


class Clock(Protocol):
    """Lets the chain reach a time."""

    def reach(self, timestamp: int) -> None:
        """Return once the chain's latest block is at `timestamp` (unix seconds) or later."""


class DevelopmentClock:
    """Moves the time of Anvil or Ganache; shards' own chains (Anvil) follow, as far as they answer."""

    def __init__(self, web3: Web3, *followers: Web3) -> None:
        self._web3, self._followers = web3, followers

    def reach(self, timestamp: int) -> None:
        """Jump to `timestamp` and mine a block there. Raises `ClockNotMovable`: a chain's time cannot be set."""
        while (missing := timestamp - time_of(self._web3)) > 0:
            self._request(self._web3, "evm_increaseTime", missing)
            self._request(self._web3, "evm_mine")
        now = time_of(self._web3)
        for follower in self._followers:
            with suppress(ChainUnreachable):
                # To the second: what one chain is ahead of the others is missing in its next phase.
                if time_of(follower) < now:
                    self._request(follower, "evm_setNextBlockTimestamp", now)
                    self._request(follower, "evm_mine")

    def _request(self, web3: Web3, method: str, *values: int) -> None:
        if "error" in _ask(web3, method, *values):
            raise ClockNotMovable(url_of(web3))


class WaitingClock:
    """Waits until the chain gets there by itself, and the shards' own chains, as far as they answer.

    Some chains make a block only for a transaction, and stand still while everybody waits: such a one is sent an empty
    transaction, from whoever pays here, once its next block will be late enough.
    """

    def __init__(self, sender: Sender, *followers: Sender, poll_seconds: float = 0.5) -> None:
        """One account for each chain."""
        self._sender, self._followers, self._poll_seconds = sender, followers, poll_seconds

    def reach(self, timestamp: int) -> None:
        """Poll until a block at `timestamp` or later is there. Raises as `Sender.send_raw`."""
        self._wait(self._sender, timestamp)
        for follower in self._followers:
            with suppress(ChainUnreachable):
                self._wait(follower, timestamp)

    def _wait(self, sender: Sender, timestamp: int) -> None:
        latest, since = 0, time.monotonic()
        while True:
            if (now := time_of(sender.web3)) >= timestamp:
                return
            if now != latest:
                latest, since = now, time.monotonic()
            if time.monotonic() - since > max(QUIET_SECONDS, timestamp - now):
                log.info("the chain at %s makes no blocks by itself: sent it a transaction", url_of(sender.web3))
                sender.send(UnsentCall("pass_time", sender.address, b""))
            time.sleep(self._poll_seconds)


def is_development_chain(web3: Web3) -> bool:
    """Whether nothing on it is worth anything, by id or program. Raises `ChainUnreachable`, also of a busy node."""
    return chain_id_of(web3) in DEVELOPMENT_CHAIN_IDS or _is_one_of(DEVELOPMENT_CLIENTS, web3)


def can_move_time(web3: Web3) -> bool:
    """Whether the chain's clock can be set forward: the node is asked to do so by no seconds at all.

    A development node may be behind something that does not let such calls through.

    Raises:
        ChainUnreachable: also where the node is too busy to say.
    """
    return _is_one_of(DEVELOPMENT_CLIENTS, web3) and _ask(web3, "evm_increaseTime", 0).get("result") is not None


def can_follow_time(web3: Web3) -> bool:
    """Whether its clock can be set forward to the very second of another chain. Raises as `can_move_time`."""
    return _is_one_of(EXACT_CLIENTS, web3) and can_move_time(web3)


def _is_one_of(clients: tuple[str, ...], web3: Web3) -> bool:
    version = str(_ask(web3, "web3_clientVersion").get("result")).lower()  # a node that does not say is none of them
    return any(client in version for client in clients)


def _ask(web3: Web3, method: str, *values: object) -> Mapping[str, Any]:
    """The node's answer: a `result`, or an `error` where it refuses."""
    with reaching(url_of(web3)):
        return web3.provider.make_request(RPCEndpoint(method), list(values))
