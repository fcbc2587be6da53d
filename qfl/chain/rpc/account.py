"""An account on one chain: estimates calls, signs transactions, and says why a node refuses one."""

from __future__ import annotations

import asyncio
from typing import Any

from eth_account.signers.local import LocalAccount
from web3 import Web3

from qfl.chain.rpc.answers import require_object, require_quantity
from qfl.chain.rpc.calls import UnsentCall
from qfl.chain.rpc.connection import chain_id_of, url_of
from qfl.chain.rpc.nonces import Fees, Signed
from qfl.chain.rpc.revert import decode_revert
from qfl.chain.rpc.rpc import rpc_at, wait_for
from qfl.errors import ChainError, InsufficientFunds, RpcRefused, TransactionRefused

TIP_WEI = 10**9
"""For nodes that do not say what tip they want."""
MOST_TIP_WEI = 1_000 * 10**9
"""No node is believed that it takes more."""


class Account:
    """One account on one chain; what is asynchronous runs on the connections' own thread."""

    def __init__(self, web3: Web3, account: LocalAccount, chain_id: int | None = None) -> None:
        """`chain_id` where it is known: the chain need not answer yet."""
        self.web3, self._account = web3, account
        self._rpc = rpc_at(url_of(web3))
        self._chain_id = chain_id_of(web3) if chain_id is None else chain_id

    @property
    def address(self) -> str:
        """The paying account."""
        return str(self._account.address)

    @property
    def chain_id(self) -> int:
        """The chain that it sends to."""
        return self._chain_id

    def balance_wei(self) -> int:
        """What the account can spend."""
        return wait_for(self._balance())

    def dry_run(self, call: UnsentCall) -> int:
        """Estimate the gas of `call` without sending it.

        Raises:
            ContractReverted: the contract refuses it.
        """
        return wait_for(self._estimate(call))

    def _signed(self, call: UnsentCall, nonce: int, gas: int, fees: Fees, replaces: Signed | None = None) -> Signed:
        transaction: dict[str, Any] = {
            "chainId": self._chain_id,
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

    async def _fees(self) -> Fees:
        """What the node wants now: twice the base fee of the latest block, so that it may rise, and its tip."""
        found, tip_wei = await asyncio.gather(self._rpc.call("eth_getBlockByNumber", "latest", False), self._tip())
        block = require_object(self._rpc.url, found, "a block")
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
            raise await self._explained(call, refusal, 0) from refusal

    async def _explained(self, call: UnsentCall, refusal: RpcRefused, gas: int) -> ChainError:
        message = refusal.message.lower()
        if refusal.is_revert:
            return decode_revert(call.label, refusal.data)
        if any(sign in message for sign in ("insufficient", "out of gas", "enough funds")):
            required_wei = call.value_wei + gas * (await self._fees()).most_wei
            return InsufficientFunds(self.address, await self._balance(), required_wei)
        return TransactionRefused(call.label, refusal.message)

    async def _balance(self) -> int:
        return require_quantity(self._rpc.url, await self._rpc.call("eth_getBalance", self.address, "latest"))
