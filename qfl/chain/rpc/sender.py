"""One account that carries messages to the chain: dry run, sign, send, wait, log.

The account only pays; what a message may do is decided by the LMS signature inside it.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from eth_account.signers.local import LocalAccount
from web3 import Web3

from qfl.chain.rpc.account import Account, Fees, Signed
from qfl.chain.rpc.answers import (
    is_fee_too_low,
    is_nonce_taken,
    is_number_used,
    reading,
    require_object,
    require_quantity,
)
from qfl.chain.rpc.calls import Receipt, ReceiptListener, TransactionSender, UnsentCall
from qfl.chain.rpc.rpc import wait_for
from qfl.errors import ChainError, NodeBusy, RpcRefused, TransactionFailed, TransactionNotMined, TransactionRefused

__all__ = ["Delivery", "Fees", "Sender", "TransactionSender", "UnsentCall"]

log = logging.getLogger(__name__)

MINING_TIMEOUT_SECONDS = 60.0
RESEND_SECONDS = 2.0
"""How long a transaction may be in no block before it is asked whether the node still knows it."""
REPLACE_SECONDS = 15.0
"""How long the account's next transaction may be in no block before it is offered again with higher fees."""
RAISE = 1.25
"""Nodes take a replacement for a tenth more."""
BLOCKS_BEFORE = 16
"""How far a node may be behind the one that numbered a transaction."""
MOST_SEARCHED = 2_000
"""Blocks that are searched for what has a transaction's number; beyond, it stays in doubt."""
SEARCHED_AT_ONCE = 50
MOST_RAISED = 10
"""Times what the node wants now: no chain's trouble makes anybody offer more."""
NUDGE_SECONDS = 10.0
"""When a development chain is told to mine: Anvil 1.7 may leave some of many transactions in its pool for ever."""
GAS_MARGIN = 1.2
"""An estimate is made on the state before the block; what comes between may cost a few cold slots more."""

NONCE_TRIES = 5
"""How often a nonce may be lost to another process that pays from the same account."""
FEE_TRIES = 8
"""How often fees are doubled for a node that wants more than it said."""
MOST_IN_DOUBT = 1024
"""Calls that are remembered because nobody knows what became of them; who does not repeat one has no use for it."""
MOST_IN_FLIGHT = 64
"""Transactions of one account on their way at a time: what a node's pool takes of one (Geth's `accountqueue`)."""


@dataclass
class Delivery:
    """A call on its way. It is open as long as its `fate` is None; `found` is the node's receipt, as JSON."""

    call: UnsentCall
    gas: int = 0
    signed: Signed | None = None
    found: Mapping[str, Any] = field(default_factory=dict)
    fate: Receipt | ChainError | None = None

    @property
    def outcome(self) -> Receipt | ChainError:
        """What became of it."""
        if self.fate is None:
            raise AssertionError(f"{self.call.label} is on its way")
        return self.fate


class Sender(Account, TransactionSender):
    """Sends calls from one account on one chain. Safe to use from several threads.

    A call has one number: as long as its transaction may yet get into a block, nothing is sent for it but that
    transaction, or the same with higher fees and the same number, so no call happens twice.
    """

    def __init__(
        self, web3: Web3, account: LocalAccount, *, listener: ReceiptListener | None = None, chain_id: int | None = None
    ) -> None:
        super().__init__(web3, account, chain_id)
        self._listener = listener
        self._in_doubt: dict[UnsentCall, Signed] = {}
        self._turn = asyncio.Lock()
        self._resent_at = 0.0
        self._next, self._next_since = -1, 0.0

    def send(self, call: UnsentCall) -> Receipt:
        return self.send_raw(call)[0]

    def send_raw(self, call: UnsentCall) -> tuple[Receipt, Mapping[str, Any]]:
        """Send `call` and return its entry in the log and the node's own receipt, as JSON-RPC writes it.

        Raises:
            ContractReverted: the contract refuses it, in the dry run (nothing was sent) or because of a transaction
                that was first.
            InsufficientFunds, TransactionRefused: the account cannot pay, or the node does not want it; nothing was
                sent.
            TransactionFailed.
            TransactionNotMined, ChainUnreachable: it may have been sent. The same call sent again takes this up.
        """
        (delivery,) = wait_for(self._carry([call]))
        if isinstance(delivery.outcome, ChainError):
            raise delivery.outcome
        return delivery.outcome, delivery.found

    async def carry(self, calls: Sequence[UnsentCall]) -> list[Receipt | ChainError]:
        """`send_many` on the connections' own thread, in batches."""
        deliveries: list[Delivery] = []
        for start in range(0, len(calls), MOST_IN_FLIGHT):
            deliveries += await self._carry(calls[start : start + MOST_IN_FLIGHT])
        return [delivery.outcome for delivery in deliveries]

    # --- the way of a batch ----------------------------------------------------------------------------------

    async def _carry(self, calls: Sequence[UnsentCall]) -> list[Delivery]:
        """Estimate, sign, send and wait, each step for all calls together; a refused one does not stop the others."""
        async with self._turn:
            deliveries = [Delivery(call, signed=self._in_doubt.get(call)) for call in calls]
            await _for_each(self._prepare, [d for d in deliveries if d.signed is None])
            for _ in range(NONCE_TRIES):
                await self._sign([d for d in deliveries if d.fate is None and d.signed is None])
                await _for_each(self._submit, [d for d in deliveries if d.fate is None])
                waiting = [d for d in deliveries if d.fate is None and d.signed is not None]
                last = max((_require(delivery.signed).nonce for delivery in waiting), default=0)
                await _for_each(partial(self._finish, last=last), waiting)
                if all(d.fate is not None for d in deliveries):
                    break
            for delivery in deliveries:
                if delivery.fate is None:
                    delivery.fate = TransactionRefused(delivery.call.label, "others keep taking its nonce")
            return deliveries

    async def _prepare(self, delivery: Delivery) -> None:
        known = delivery.call.gas
        delivery.gas = int(await self._estimate(delivery.call) * GAS_MARGIN) + 5_000 if known is None else known

    async def _sign(self, deliveries: Sequence[Delivery]) -> None:
        """Give each a nonce and a signature. Nobody has seen it yet; a process that ends here has sent nothing."""
        if not deliveries:
            return
        try:
            nonce, fees = await asyncio.gather(self._nonce("pending"), self._fees())
        except ChainError as error:
            for delivery in deliveries:
                delivery.fate = error
            return
        for number, delivery in enumerate(deliveries, nonce):
            self._adopt(delivery, self._signed(delivery.call, number, delivery.gas, fees))
        while len(self._in_doubt) > MOST_IN_DOUBT:
            del self._in_doubt[next(iter(self._in_doubt))]

    def _adopt(self, delivery: Delivery, signed: Signed) -> None:
        """Have this transaction stand for the call."""
        delivery.signed = self._in_doubt[delivery.call] = signed
        self._remember(signed)

    async def _submit(self, delivery: Delivery) -> None:
        """Hand a transaction to the node; that it has it already, because an answer was lost, is no fault."""
        signed, tries_left = _require(delivery.signed), FEE_TRIES
        while (refusal := await self._hand_over(signed)) is not None:
            if await self._any_version("eth_getTransactionByHash", signed) is not None:
                return
            tries_left -= 1
            if is_fee_too_low(refusal) and tries_left:
                # This node refuses it; another one behind the same address may have it: it stays a version.
                doubled = Fees(2 * signed.fees.most_wei, 2 * signed.fees.tip_wei, signed.fees.block)
                signed = self._signed(delivery.call, signed.nonce, signed.gas, doubled, signed)
                self._adopt(delivery, signed)
                continue
            if not is_nonce_taken(refusal):
                self._in_doubt.pop(delivery.call, None)
                raise await self._explained(delivery.call, refusal, gas=signed.gas) from refusal
            # What has used the number may be this very transaction, in a block that the node does not tell of yet.
            is_free = not is_number_used(refusal) and await self._nonce("latest") <= signed.nonce
            if is_free or await self._is_overtaken(signed):
                self._give_up(delivery)
            return

    def _give_up(self, delivery: Delivery) -> None:
        """Have the call signed anew: its transaction can never be in a block."""
        self._in_doubt.pop(delivery.call, None)
        delivery.signed = None

    async def _is_overtaken(self, signed: Signed) -> bool:
        """Whether a block has another transaction of the account with this number.

        It has to be seen there. That a node knows no receipt is no proof: it may only be late with receipts.
        """
        first = max(0, signed.versions[-1].fees.block - BLOCKS_BEFORE)
        head = require_quantity(self._rpc.url, await self._rpc.call("eth_blockNumber"))
        for start in range(first, min(head, first + MOST_SEARCHED) + 1, SEARCHED_AT_ONCE):
            numbers = range(start, min(start + SEARCHED_AT_ONCE, head + 1))
            blocks = await asyncio.gather(*(self._rpc.call("eth_getBlockByNumber", hex(n), True) for n in numbers))
            with reading(self._rpc.url, "a block"):
                sent = [transaction for block in blocks if block is not None for transaction in block["transactions"]]
                for transaction in sent:
                    is_own = transaction["from"].lower() == self.address.lower()
                    if is_own and int(transaction["nonce"], 16) == signed.nonce:
                        return transaction["hash"] not in {version.hash for version in signed.versions}
        return False

    async def _any_version(self, method: str, signed: Signed) -> Any:
        """What the node says of whichever version of the transaction it knows; None where it knows none."""
        answers = await asyncio.gather(*(self._rpc.call(method, version.hash) for version in signed.versions))
        return next((answer for answer in answers if answer is not None), None)

    async def _hand_over(self, signed: Signed) -> RpcRefused | None:
        """What the node has against a transaction."""
        try:
            await self._rpc.call("eth_sendRawTransaction", "0x" + signed.raw.hex())
        except RpcRefused as refusal:
            return refusal
        return None

    async def _finish(self, delivery: Delivery, last: int) -> None:
        """Wait for the block, and say what came of it; `last` is the highest nonce that is waited for."""
        found, call, signed = await self._wait(delivery, last), delivery.call, delivery.signed
        if found is None or signed is None:
            return
        self._in_doubt.pop(call, None)
        with reading(self._rpc.url, f"a receipt of {call.label}"):
            is_good, block, gas = (int(found[name], 16) for name in ("status", "blockNumber", "gasUsed"))
            tx_hash = str(found["transactionHash"])
        if is_good != 1:
            await self._estimate(call)  # says why, unless the reason is gone again
            raise TransactionFailed(call.label, tx_hash)
        counts = block, gas, len(signed.raw)
        receipt = Receipt(call.label, call.participant, call.round, tx_hash, *counts, self.chain_id)
        delivery.found, delivery.fate = found, receipt
        if self._listener is not None:  # it may use connections itself, whose thread must not wait for it
            await asyncio.to_thread(self._listener, receipt)

    async def _wait(self, delivery: Delivery, last: int) -> Mapping[str, Any] | None:
        """The receipt; None when another transaction got the nonce, so that this one can never be in a block."""
        begun, pause = time.monotonic(), 0.002
        looked = begun
        while (found := await self._receipt_of(signed := _require(delivery.signed))) is None:
            if time.monotonic() - begun > MINING_TIMEOUT_SECONDS:
                standing = await self._standing_of(signed)
                raise TransactionNotMined(delivery.call.label, signed.hash, MINING_TIMEOUT_SECONDS, standing)
            if time.monotonic() - looked > RESEND_SECONDS:
                looked = time.monotonic()
                mined = await self._nonce("latest")
                if mined > signed.nonce and await self._is_overtaken(signed):
                    self._give_up(delivery)
                    return None
                if mined <= signed.nonce:
                    await self._resend_all_up_to(last)
                    if looked - begun > NUDGE_SECONDS:
                        with contextlib.suppress(RpcRefused):  # no such call on chains that are not for development
                            await self._rpc.call("evm_mine")
                    if self._is_stuck(signed.nonce, mined, begun):
                        await self._replace(delivery)
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.25)
        return found

    async def _receipt_of(self, signed: Signed) -> Mapping[str, Any] | None:
        """The receipt of whichever version is in a block; None while none is, or the node puts off telling."""
        try:
            found = await self._any_version("eth_getTransactionReceipt", signed)
        except NodeBusy:
            return None
        return None if found is None else require_object(self._rpc.url, found, what="a receipt")

    def _is_stuck(self, nonce: int, mined: int, since: float) -> bool:
        """Whether a transaction, waited for `since` then, is the account's next one and has been for too long."""
        now = time.monotonic()
        if mined != self._next:
            self._next, self._next_since = mined, now
        return nonce == mined and now - max(since, self._next_since) > REPLACE_SECONDS

    async def _replace(self, delivery: Delivery) -> None:
        """Offer more for a transaction that the node has and no block takes: Anvil 1.7 may hold one for ever."""
        signed, wanted = _require(delivery.signed), await self._fees()
        self._next_since = time.monotonic()
        if signed.fees.most_wei > MOST_RAISED * wanted.most_wei:
            return
        raised = (int(RAISE * old) + 1 for old in (signed.fees.most_wei, signed.fees.tip_wei))
        most, tip = map(max, raised, (wanted.most_wei, wanted.tip_wei))
        fees = Fees(max(most, tip), tip, wanted.block)
        dearer = self._signed(delivery.call, signed.nonce, signed.gas, fees, signed)
        log.warning("%s: no block takes it, so more is offered for it", delivery.call.label)
        self._adopt(delivery, dearer)  # before it is sent: the answer may be lost
        refusal = await self._hand_over(dearer)
        if refusal is not None and await self._rpc.call("eth_getTransactionByHash", dearer.hash) is None:
            self._adopt(delivery, signed)

    async def _standing_of(self, signed: Signed) -> str:
        """Why a transaction may be in no block, as far as the node tells."""
        known, block, mined, waiting = await asyncio.gather(
            self._rpc.call("eth_getTransactionByHash", signed.hash),
            self._rpc.call("eth_getBlockByNumber", "latest", False),
            self._nonce("latest"),
            self._nonce("pending"),
        )
        where = "the node does not know it" if known is None else "the node has it"
        with reading(self._rpc.url, "a block"):
            number, fee = int(block["number"], 16), int(block.get("baseFeePerGas", "0x0"), 16)
        return (
            f"{where}; it is number {signed.nonce} of the account, {mined} are in blocks, {waiting} with those that "
            f"wait; block {number} has a base fee of {fee} wei, and {signed.fees.most_wei} wei are offered"
        )

    async def _resend_all_up_to(self, last: int) -> None:
        """Tell the node again all that it may have lost; whoever is first does it for all that wait."""
        if time.monotonic() - self._resent_at < RESEND_SECONDS:
            return
        self._resent_at = time.monotonic()
        for number, sent in await self._unmined_up_to(last):
            await self._hand_over(sent or self._filler(number, await self._fees()))  # it may know it after all


async def _for_each(step: Callable[[Delivery], Awaitable[None]], deliveries: Sequence[Delivery]) -> None:
    """Take a step with every delivery at once; the error of one is its own fate."""

    async def take(delivery: Delivery) -> None:
        try:
            await step(delivery)
        except ChainError as error:
            delivery.fate = error

    await asyncio.gather(*map(take, deliveries))


def _require(signed: Signed | None) -> Signed:
    if signed is None:
        raise AssertionError("only a signed transaction is sent")
    return signed
