"""A call that changes a chain, what is remembered of its transaction, and whoever brings it there."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from qfl.chain.rpc.rpc import wait_for
from qfl.errors import ChainError
from qfl.protocol.types import ParticipantId


@dataclass(frozen=True)
class UnsentCall:
    """A call that changes the chain, not sent yet. `label` names it in gas tables; `to` is None for a creation.

    `chain_id` is the chain that `to` is on; None leaves it to the sender. `gas` is a limit that is known to suffice: it
    saves the dry run, so a contract's refusal costs gas; None: as much as the dry run takes, and some more.
    """

    label: str
    to: str | None
    data: bytes
    value_wei: int = 0
    participant: ParticipantId | None = None
    round: int | None = None
    chain_id: int | None = None
    gas: int | None = None


@dataclass(frozen=True)
class Receipt:
    """A transaction in a block of chain `chain_id`: who sent it for what, its gas, and its signed length in bytes."""

    label: str
    participant: ParticipantId | None
    round: int | None
    tx_hash: str
    block: int
    gas: int
    size: int
    chain_id: int


ReceiptListener = Callable[[Receipt], None]


class TransactionSender(Protocol):
    """Whoever brings calls to where they belong: a `Sender` to one chain, a `ChainRouter` to several."""

    @property
    def address(self) -> str:
        """The paying account."""

    def balance_wei(self) -> int:
        """What it can spend, on the beacon's chain where there are several."""

    def send(self, call: UnsentCall) -> Receipt:
        """Send one call and wait for its block; see `Sender.send_raw` for the errors."""

    def send_many(self, calls: Sequence[UnsentCall]) -> list[Receipt | ChainError]:
        """Send calls that do not wait for each other; what became of each, in their order."""
        return wait_for(self.carry(calls))

    async def carry(self, calls: Sequence[UnsentCall]) -> list[Receipt | ChainError]:
        """What `send_many` does, on the connections' own thread: several carriers can be at it at once."""

    def dry_run(self, call: UnsentCall) -> int:
        """The gas that a call would take. Raises `ContractReverted` when the contract refuses it."""


class ChainRouter(TransactionSender):
    """One payer on several chains: every call goes to the carrier of the chain that its contract is on.

    The first carrier is the beacon's: its account is the one that is named and funded by others.
    """

    def __init__(self, carriers: Mapping[int, TransactionSender]) -> None:
        """`carriers` by chain id."""
        self._carriers = dict(carriers)
        self._first = next(iter(self._carriers.values()))

    @property
    def address(self) -> str:
        return self._first.address

    def balance_wei(self) -> int:
        return self._first.balance_wei()

    def send(self, call: UnsentCall) -> Receipt:
        return self._carrier_of(call).send(call)

    async def carry(self, calls: Sequence[UnsentCall]) -> list[Receipt | ChainError]:
        loads: dict[TransactionSender, list[UnsentCall]] = {}
        for call in calls:
            loads.setdefault(self._carrier_of(call), []).append(call)
        carried = await asyncio.gather(*(carrier.carry(load) for carrier, load in loads.items()))
        outcomes = dict(zip(loads, map(iter, carried), strict=True))
        return [next(outcomes[self._carrier_of(call)]) for call in calls]

    def dry_run(self, call: UnsentCall) -> int:
        return self._carrier_of(call).dry_run(call)

    def _carrier_of(self, call: UnsentCall) -> TransactionSender:
        return self._first if call.chain_id is None else self._carriers[call.chain_id]
