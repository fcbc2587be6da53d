"""One payer on several chains: every call goes to the chain that its contract is on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from qfl.chain.rpc.receipts import Receipt
from qfl.chain.rpc.sender import TransactionSender, UnsentCall
from qfl.errors import ChainError


class ChainRouter(TransactionSender):
    """Carriers by chain id. The first is the beacon's: its account is the one that is named and funded by others."""

    def __init__(self, carriers: Mapping[int, TransactionSender]) -> None:
        self._carriers = dict(carriers)
        self._first = next(iter(self._carriers.values()))

    @property
    def address(self) -> str:
        """The paying account."""
        return self._first.address

    def balance_wei(self) -> int:
        """What it can spend on the beacon's chain."""
        return self._first.balance_wei()

    def send(self, call: UnsentCall) -> Receipt:
        return self._carrier_of(call).send(call)

    async def carry(self, calls: Sequence[UnsentCall]) -> list[Receipt | ChainError]:
        """`send_many` on the connections' own thread, on all chains side by side."""
        carriers = list({id(carrier): carrier for carrier in map(self._carrier_of, calls)}.values())
        own = [[call for call in calls if self._carrier_of(call) is carrier] for carrier in carriers]
        loads = zip(carriers, own, strict=True)
        carried = await asyncio.gather(*(carrier.carry(load) for carrier, load in loads))
        outcomes = dict(zip(map(id, carriers), map(iter, carried), strict=True))
        return [next(outcomes[id(self._carrier_of(call))]) for call in calls]

    def dry_run(self, call: UnsentCall) -> int:
        """The gas that a call would take. Raises `ContractReverted` when the contract refuses it."""
        return self._carrier_of(call).dry_run(call)

    def _carrier_of(self, call: UnsentCall) -> TransactionSender:
        return self._first if call.chain_id is None else self._carriers[call.chain_id]
