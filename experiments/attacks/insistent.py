"""An attacker's account: what the contracts refuse is sent all the same, so that a refusal has a block and a price."""

from collections.abc import Mapping
from typing import Any

from qfl.chain.rpc.calls import Receipt
from qfl.chain.rpc.sender import GAS_MARGIN, Delivery, Fees, Sender, UnsentCall
from qfl.errors import ContractReverted, TransactionFailed

GAS_OF_THE_REFUSED = 3_000_000
"""What a call that no estimate can be made for is sent with."""


class Insistent(Sender):
    """A sender that skips the dry run, and keeps an account of what it paid and what was refused.

    `refusals` are contract errors by name, and "OutOfGas".
    `gas_limit` and `tip_wei`, where set, are what it sends with in place of an estimate and of the usual tip.
    """

    def __init__(self, sender: Sender) -> None:
        """The account of `sender`, insisting."""
        super().__init__(sender.web3, sender._account)
        self.refusals: set[str] = set()
        self.gas = 0
        self.fees_wei = 0
        self.gas_limit: int | None = None
        self.tip_wei: int | None = None

    def attempt(self, call: UnsentCall) -> bool:
        """Send `call`; whether it was accepted."""
        try:
            self.send(call)
        except (ContractReverted, TransactionFailed):
            return False
        return True

    def send_raw(self, call: UnsentCall) -> tuple[Receipt, Mapping[str, Any]]:
        """As `Sender.send_raw`, and remember why it was refused."""
        try:
            return super().send_raw(call)
        except TransactionFailed:
            self.refusals.add("OutOfGas")
            raise
        except ContractReverted as refusal:
            self.refusals.add(refusal.name)
            raise

    async def _prepare(self, delivery: Delivery) -> None:
        try:
            await super()._prepare(delivery)
        except ContractReverted:
            delivery.gas = int(GAS_OF_THE_REFUSED * GAS_MARGIN)
        if self.gas_limit is not None:
            delivery.gas = self.gas_limit

    async def _fees(self) -> Fees:
        usual = await super()._fees()
        return usual if self.tip_wei is None else Fees(usual.most_wei + self.tip_wei, self.tip_wei, usual.block)

    async def _wait(self, delivery: Delivery, last: int) -> Mapping[str, Any] | None:
        found = await super()._wait(delivery, last)
        if found is not None:
            self.gas += int(found["gasUsed"], 16)
            self.fees_wei += int(found["gasUsed"], 16) * int(found["effectiveGasPrice"], 16)
        return found
