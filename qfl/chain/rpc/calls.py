"""A call that changes a chain, and whoever brings it there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from qfl.chain.rpc.receipts import Receipt
from qfl.chain.rpc.rpc import wait_for
from qfl.errors import ChainError
from qfl.protocol.types import ParticipantId


@dataclass(frozen=True)
class UnsentCall:
    """A call that changes the chain, not sent yet. `label` names it in gas tables; `to` is None for a creation.

    `chain_id` is the chain that `to` is on; None leaves it to the sender.
    """

    label: str
    to: str | None
    data: bytes
    value_wei: int = 0
    participant: ParticipantId | None = None
    round: int | None = None
    chain_id: int | None = None


class TransactionSender(Protocol):
    """Whoever brings calls to where they belong: a `Sender` to one chain, a `ChainRouter` to several."""

    @property
    def address(self) -> str:
        """The paying account."""

    def balance_wei(self) -> int:
        """What it can spend."""

    def send(self, call: UnsentCall) -> Receipt:
        """Send one call and wait for its block; see `Sender.send_raw` for the errors."""

    def send_many(self, calls: Sequence[UnsentCall]) -> list[Receipt | ChainError]:
        """Send calls that do not wait for each other; what became of each, in their order."""
        return wait_for(self.carry(calls))

    async def carry(self, calls: Sequence[UnsentCall]) -> list[Receipt | ChainError]:
        """What `send_many` does, on the connections' own thread: several carriers can be at it at once."""

    def dry_run(self, call: UnsentCall) -> int:
        """The gas that a call would take. Raises `ContractReverted` when the contract refuses it."""
