"""An account on one chain: estimates calls, numbers and signs transactions, and says why a node refuses one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount
from web3 import Web3

from qfl.chain.rpc.answers import require_object, require_quantity
from qfl.chain.rpc.calls import UnsentCall
from qfl.chain.rpc.connection import chain_id_of, url_of
from qfl.chain.rpc.revert import decode_revert
from qfl.chain.rpc.rpc import rpc_at, wait_for
from qfl.errors import ChainError, InsufficientFunds, RpcRefused, TransactionRefused

TIP_WEI = 10**9
"""For nodes that do not say what tip they want."""
MOST_TIP_WEI = 1_000 * 10**9
"""No node is believed that it takes more."""
KEPT = 1024
"""Signed transactions that are remembered: more than a node that fell back can have lost of one account."""


@dataclass(frozen=True)
class Fees:
    """What a transaction offers for a unit of gas: at most, and to the block's producer; found out at `block`."""

    most_wei: int
    tip_wei: int
    block: int = 0


@dataclass(frozen=True)
class Signed:
    """A signed transaction. It can be sent any number of times, and counts once.

    What it `replaces` is the same call with the same number and lower fees: one of them gets into a block.
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


class Account:
    """One account on one chain; what is asynchronous runs on the connections' own thread.

    Transactions get their numbers by what the node says now. A counter of one's own is wrong after a node fell back
    behind what it had taken, after a failed send, and beside another process that pays from the same account. Each
    would leave a gap, behind which everything waits.
    """

    def __init__(self, web3: Web3, account: LocalAccount, chain_id: int | None = None) -> None:
        """`chain_id` where it is known: the chain need not answer yet."""
        self.web3, self._account = web3, account
        self._rpc = rpc_at(url_of(web3))
        self.chain_id = chain_id_of(web3) if chain_id is None else chain_id
        self._sent: dict[int, Signed] = {}

    @property
    def address(self) -> str:
        """The paying account."""
        return str(self._account.address)

    def balance_wei(self) -> int:
        """What the account can spend."""
        return wait_for(self._balance())

    def dry_run(self, call: UnsentCall) -> int:
        """Estimate the gas of `call` without sending it. Raises `ContractReverted`: the contract refuses it."""
        return wait_for(self._estimate(call))

    def _signed(self, call: UnsentCall, nonce: int, gas: int, fees: Fees, replaces: Signed | None = None) -> Signed:
        transaction: dict[str, Any] = {
            "chainId": self.chain_id,
            "nonce": nonce,
            "gas": gas,
            "maxFeePerGas": fees.most_wei,
            "maxPriorityFeePerGas": fees.tip_wei,
            "value": call.value_wei,
            "data": call.data,
        }
        if call.to is not None:
            transaction["to"] = call.to
        signed = self._account.sign_transaction(transaction)
        return Signed(nonce, bytes(signed.raw_transaction), signed.hash.to_0x_hex(), gas, fees, replaces)

    def _filler(self, nonce: int, fees: Fees) -> Signed:
        """Nothing, sent to oneself: in place of a lost transaction that nobody has any more."""
        return self._signed(UnsentCall("fill a gap", self.address, b""), nonce, 21_000, fees)

    async def _nonce(self, block: str) -> int:
        """The account's transactions in blocks ("latest"), or with those that wait at the node ("pending")."""
        return require_quantity(self._rpc.url, await self._rpc.call("eth_getTransactionCount", self.address, block))

    def _remember(self, signed: Signed) -> None:
        """Keep a transaction for `_unmined_up_to`; one that had its number before is forgotten."""
        self._sent[signed.nonce] = signed
        while len(self._sent) > KEPT:
            del self._sent[min(self._sent)]

    async def _unmined_up_to(self, nonce: int) -> list[tuple[int, Signed | None]]:
        """The numbers up to `nonce` that are in no block, with what was last sent from here under each.

        None stands for what neither this process nor the node has. A node that was restarted behind what it had taken
        has lost them; and Anvil 1.7 lets go of all that follow a missing one, and counts those behind it as waiting.
        """
        mined, waiting = await asyncio.gather(self._nonce("latest"), self._nonce("pending"))
        numbers = [number for number in range(mined, nonce + 1) if number in self._sent or number >= waiting]
        return [(number, self._sent.get(number)) for number in numbers]

    async def _fees(self) -> Fees:
        """What the node wants now: twice the base fee of the latest block, so that it may rise, and its tip."""
        found, tip_wei = await asyncio.gather(self._rpc.call("eth_getBlockByNumber", "latest", False), self._tip())
        block = require_object(self._rpc.url, found, what="a block")
        base_wei = require_quantity(self._rpc.url, block.get("baseFeePerGas", "0x0"))
        return Fees(2 * base_wei + tip_wei, tip_wei, require_quantity(self._rpc.url, block.get("number")))

    async def _tip(self) -> int:
        try:
            wanted = await self._rpc.call("eth_maxPriorityFeePerGas")
        except RpcRefused:  # no such call there
            return TIP_WEI
        return min(require_quantity(self._rpc.url, wanted), MOST_TIP_WEI)

    async def _estimate(self, call: UnsentCall) -> int:
        request = {"from": self.address, "value": hex(call.value_wei), "data": "0x" + call.data.hex()}
        if call.to is not None:
            request["to"] = call.to
        try:
            return require_quantity(self._rpc.url, await self._rpc.call("eth_estimateGas", request))
        except RpcRefused as refusal:
            raise await self._explained(call, refusal, gas=0) from refusal

    async def _explained(self, call: UnsentCall, refusal: RpcRefused, *, gas: int) -> ChainError:
        message = refusal.message.lower()
        if refusal.is_revert:
            return decode_revert(call.label, refusal.data)
        if any(sign in message for sign in ("insufficient", "out of gas", "enough funds")):
            required_wei = call.value_wei + gas * (await self._fees()).most_wei
            return InsufficientFunds(self.address, await self._balance(), required_wei)
        return TransactionRefused(call.label, refusal.message)

    async def _balance(self) -> int:
        return require_quantity(self._rpc.url, await self._rpc.call("eth_getBalance", self.address, "latest"))
