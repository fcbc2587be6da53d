"""An attacker's account: what the contracts refuse is sent all the same, so that a refusal has a block and a price."""

from __future__ import annotations

from dataclasses import dataclass

from web3.types import TxParams, TxReceipt, Wei

from qfl.chain.connection import reaching
from qfl.chain.receipts import Receipt
from qfl.chain.sender import Sender, UnsentCall
from qfl.errors import ContractReverted, TransactionFailed

GAS_OF_THE_REFUSED = 3_000_000
"""What a call that no estimate can be made for is sent with."""


@dataclass(frozen=True)
class Attempt:
    """A call that was tried: `refusal` is the contract's error, "OutOfGas", or "" when it was accepted."""

    label: str
    refusal: str


class Insistent(Sender):
    """A sender that skips the dry run, and keeps an account of what it tried and paid.

    `gas_limit` and `tip_wei`, where set, are what it sends with in place of an estimate and of the usual tip.
    """

    def __init__(self, sender: Sender) -> None:
        """The account of `sender`, insisting."""
        super().__init__(sender.web3, sender._account)
        self.attempts: list[Attempt] = []
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

    def send_raw(self, call: UnsentCall) -> tuple[Receipt, TxReceipt]:
        """As `Sender.send_raw`, and remember how it ended."""
        try:
            sent = super().send_raw(call)
        except TransactionFailed:
            self.attempts.append(Attempt(call.label, "OutOfGas"))
            raise
        except ContractReverted as refusal:
            self.attempts.append(Attempt(call.label, refusal.name))
            raise
        self.attempts.append(Attempt(call.label, ""))
        return sent

    def dry_run(self, call: UnsentCall) -> int:
        """As `Sender.dry_run`: it still says why a call is refused."""
        with reaching(self._url):
            return super()._estimate(call)

    def _estimate(self, call: UnsentCall) -> int:
        try:
            return super()._estimate(call)
        except ContractReverted:
            return GAS_OF_THE_REFUSED

    def _prepare(self, call: UnsentCall) -> TxParams:
        transaction = super()._prepare(call)
        if self.gas_limit is not None:
            transaction["gas"] = self.gas_limit
        if self.tip_wei is not None:
            transaction["maxPriorityFeePerGas"] = Wei(self.tip_wei)
            transaction["maxFeePerGas"] = Wei(int(transaction["maxFeePerGas"]) + self.tip_wei)
        return transaction

    def _wait(self, call: UnsentCall, tx_hash: bytes) -> TxReceipt:
        found = super()._wait(call, tx_hash)
        self.gas += found["gasUsed"]
        self.fees_wei += found["gasUsed"] * found["effectiveGasPrice"]
        return found
