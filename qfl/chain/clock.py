"""The chain's time, and moving it forward on a development chain.

Deadlines are timestamps and no contract has a shortcut past them. A runner whose own participants have all acted may
move a development chain's clock; on any other chain it waits.
"""

from __future__ import annotations

import time
from typing import Protocol

from web3 import Web3
from web3.types import RPCEndpoint

from qfl.chain.connection import reaching, url_of
from qfl.errors import ClockNotMovable


class Clock(Protocol):
    """Lets the chain reach a time."""

    def reach(self, timestamp: int) -> None:
        """Return once the chain's latest block is at `timestamp` (unix seconds) or later."""


class DevelopmentClock:
    """Moves the time of Anvil or Ganache."""

    def __init__(self, web3: Web3) -> None:
        self._web3, self._url = web3, url_of(web3)

    def reach(self, timestamp: int) -> None:
        """Jump to `timestamp` and mine a block there.

        Raises:
            ClockNotMovable: the chain has no `evm_increaseTime`.
        """
        with reaching(self._url):
            while (missing := timestamp - self._web3.eth.get_block("latest")["timestamp"]) > 0:
                answer = self._web3.provider.make_request(RPCEndpoint("evm_increaseTime"), [missing])
                if "error" in answer:
                    raise ClockNotMovable(self._url)
                self._web3.provider.make_request(RPCEndpoint("evm_mine"), [])


class WaitingClock:
    """Waits until the chain gets there by itself."""

    def __init__(self, web3: Web3, poll_seconds: float = 0.5) -> None:
        self._web3, self._url, self._poll_seconds = web3, url_of(web3), poll_seconds

    def reach(self, timestamp: int) -> None:
        """Poll until a block at `timestamp` or later is there."""
        while True:
            with reaching(self._url):
                if self._web3.eth.get_block("latest")["timestamp"] >= timestamp:
                    return
            time.sleep(self._poll_seconds)
