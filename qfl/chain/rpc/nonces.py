"""The numbers of one account's transactions, and the transactions themselves while they may be wanted again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from qfl.chain.rpc.answers import require_quantity
from qfl.chain.rpc.rpc import Rpc

KEPT = 1024
"""Signed transactions that are remembered: more than a node that fell back can have lost of one account."""


@dataclass(frozen=True)
class Fees:
    """What a transaction offers for a unit of gas: at most, and to the block's producer.

    Attributes:
        block: the number of the block that this was found out at.
    """

    most_wei: int
    tip_wei: int
    block: int = 0


@dataclass(frozen=True)
class Signed:
    """A signed transaction. It can be sent any number of times, and counts once.

    Attributes:
        replaces: the same call with the same number and lower fees, sent before: one of them gets into a block.
    """

    nonce: int
    raw: bytes
    hash: str
    gas: int
    fees: Fees
    replaces: Signed | None = None

    @property
    def versions(self) -> list[Signed]:
        """This one and all that it replaces."""
        return [self, *(self.replaces.versions if self.replaces else [])]


class Nonces:
    """Gives numbers to transactions, always by what the node says now.

    Nothing is counted here: a counter of one's own is wrong after a node fell back behind what it had taken, after a
    failed send, and beside another process that pays from the same account. Each would leave a gap, behind which
    everything waits.
    """

    def __init__(self, rpc: Rpc, address: str) -> None:
        self._rpc, self._address = rpc, address
        self._sent: dict[int, Signed] = {}

    async def next_free(self) -> int:
        """The number of the next transaction, behind those that wait at the node."""
        return await self._count("pending")

    async def mined(self) -> int:
        """How many transactions of the account are in blocks."""
        return await self._count("latest")

    def remember(self, signed: Signed) -> None:
        """Keep a transaction for `unmined_up_to`; one that had its number before is forgotten."""
        self._sent[signed.nonce] = signed
        while len(self._sent) > KEPT:
            del self._sent[min(self._sent)]

    async def unmined_up_to(self, nonce: int) -> list[tuple[int, Signed | None]]:
        """The numbers up to `nonce` that are in no block, with what was last sent from here under each.

        None stands for what neither this process nor the node has. A node that was restarted behind what it had taken
        has lost them; and Anvil 1.7 lets go of all that follow a missing one, and counts those behind it as waiting.
        """
        mined, waiting = await asyncio.gather(self.mined(), self.next_free())
        numbers = [number for number in range(mined, nonce + 1) if number in self._sent or number >= waiting]
        return [(number, self._sent.get(number)) for number in numbers]

    async def _count(self, block: str) -> int:
        return require_quantity(self._rpc.url, await self._rpc.call("eth_getTransactionCount", self._address, block))
