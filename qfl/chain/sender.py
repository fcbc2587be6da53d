"""One account that carries messages to the chain: dry run, sign, send, wait, log.

The account only pays; what a message may do is decided by the LMS signature inside it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, cast

from eth_account.signers.local import LocalAccount
from eth_typing import Hash32
from web3 import Web3
from web3.exceptions import ContractCustomError, ContractLogicError, TransactionNotFound, Web3RPCError
from web3.types import TxParams, TxReceipt, Wei

from qfl.chain.connection import reaching, url_of
from qfl.chain.receipts import Receipt, ReceiptListener
from qfl.chain.revert import decode_revert
from qfl.errors import ChainError, InsufficientFunds, TransactionFailed, TransactionNotMined, TransactionRefused
from qfl.types import ParticipantId

MINING_TIMEOUT_SECONDS = 60.0
GAS_MARGIN = 1.2
"""An estimate is made on the state before the block; what comes between may cost a few cold slots more."""

NONCE_TRIES = 5
"""How often a nonce may be lost to another process that pays from the same account."""


@dataclass(frozen=True)
class UnsentCall:
    """A call that changes the chain, not sent yet. `label` names it in gas tables; `to` is None for a creation."""

    label: str
    to: str | None
    data: bytes
    value_wei: int = 0
    participant: ParticipantId | None = None
    round: int | None = None


class Sender:
    """Sends calls from one account, one after the other."""

    def __init__(self, web3: Web3, account: LocalAccount, listener: ReceiptListener | None = None) -> None:
        self.web3, self._account, self._listener = web3, account, listener
        self._url, self._chain_id = url_of(web3), web3.eth.chain_id
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """The paying account."""
        return str(self._account.address)

    def balance_wei(self) -> int:
        """What the account can spend."""
        with reaching(self._url):
            return int(self.web3.eth.get_balance(self._account.address))

    def send(self, call: UnsentCall) -> Receipt:
        """Send `call` and wait for its block; see `send_raw` for the errors."""
        return self.send_raw(call)[0]

    def send_raw(self, call: UnsentCall) -> tuple[Receipt, TxReceipt]:
        """Send `call` and return its entry in the log and the node's own receipt.

        Raises:
            ContractReverted: the contract refuses it, in the dry run (nothing was sent) or because of a transaction
                that was first.
            InsufficientFunds, TransactionRefused: the account cannot pay, or the node does not want it; nothing was
                sent.
            TransactionFailed, TransactionNotMined, ChainUnreachable.
        """
        with self._lock, reaching(self._url):
            raw, tx_hash = self._submit(call)
            found = self._wait(call, tx_hash)
        receipt = Receipt(
            call.label,
            call.participant,
            call.round,
            "0x" + bytes(tx_hash).hex(),
            found["blockNumber"],
            found["gasUsed"],
            len(raw),
        )
        if found["status"] != 1:
            self.dry_run(call)  # says why, unless the reason is gone again
            raise TransactionFailed(call.label, receipt.tx_hash)
        if self._listener is not None:
            self._listener(receipt)
        return receipt, found

    def dry_run(self, call: UnsentCall) -> int:
        """Estimate the gas of `call` without sending it.

        Raises:
            ContractReverted: the contract refuses it.
        """
        with reaching(self._url):
            return self._estimate(call)

    def _submit(self, call: UnsentCall, tries: int = NONCE_TRIES) -> tuple[bytes, bytes]:
        """Sign `call` and hand it to the node: the transaction's bytes and hash."""
        transaction = self._prepare(call)
        raw = bytes(self._account.sign_transaction(cast(dict[str, Any], transaction)).raw_transaction)
        try:
            return raw, bytes(self.web3.eth.send_raw_transaction(raw))
        except Web3RPCError as error:
            if tries > 1 and _is_nonce_taken(error):
                return self._submit(call, tries - 1)
            fee_wei = transaction["gas"] * int(transaction["maxFeePerGas"])
            raise self._explained(call, error, call.value_wei + fee_wei) from error

    def _prepare(self, call: UnsentCall) -> TxParams:
        gas = int(self._estimate(call) * GAS_MARGIN) + 5_000
        eth = self.web3.eth
        base_fee = eth.get_block("latest").get("baseFeePerGas", Wei(0))
        tip = Wei(10**9)
        transaction: TxParams = {
            "from": self._account.address,
            "chainId": self._chain_id,
            "nonce": eth.get_transaction_count(self._account.address, "pending"),
            "gas": gas,
            "maxFeePerGas": Wei(2 * base_fee + tip),
            "maxPriorityFeePerGas": tip,
            "value": Wei(call.value_wei),
            "data": call.data,
        }
        if call.to is not None:
            transaction["to"] = Web3.to_checksum_address(call.to)
        return transaction

    def _estimate(self, call: UnsentCall) -> int:
        request: TxParams = {
            "from": self._account.address,
            "value": Wei(call.value_wei),
            "data": call.data,
        }
        if call.to is not None:
            request["to"] = Web3.to_checksum_address(call.to)
        try:
            return int(self.web3.eth.estimate_gas(request))
        except (ContractCustomError, ContractLogicError) as error:
            raise decode_revert(call.label, _revert_data(error)) from error
        except Web3RPCError as error:
            raise self._explained(call, error, call.value_wei) from error

    def _explained(self, call: UnsentCall, error: Web3RPCError, required_wei: int) -> ChainError:
        message = str(error).lower()
        if "insufficient" in message or "out of gas" in message or "enough funds" in message:
            balance = int(self.web3.eth.get_balance(self._account.address))
            return InsufficientFunds(self.address, balance, required_wei)
        if (data := _data_in(error.rpc_response)) is not None:
            return decode_revert(call.label, data)
        return TransactionRefused(call.label, _message_of(error))

    def _wait(self, call: UnsentCall, tx_hash: bytes) -> TxReceipt:
        deadline = time.monotonic() + MINING_TIMEOUT_SECONDS
        pause = 0.002
        while time.monotonic() < deadline:
            try:
                return self.web3.eth.get_transaction_receipt(Hash32(tx_hash))
            except TransactionNotFound:
                time.sleep(pause)
                pause = min(2 * pause, 0.25)
        raise TransactionNotMined(call.label, "0x" + bytes(tx_hash).hex(), MINING_TIMEOUT_SECONDS)


def _is_nonce_taken(error: Web3RPCError) -> bool:
    message = _message_of(error).lower()
    return any(sign in message for sign in ("nonce", "underpriced", "already known", "already imported"))


def _message_of(error: Web3RPCError) -> str:
    answer = cast(dict[str, Any], error.rpc_response or {}).get("error")
    return str(answer["message"]) if isinstance(answer, dict) and "message" in answer else str(error)


def _revert_data(error: ContractLogicError) -> str | None:
    data = error.data
    if isinstance(data, dict):  # Ganache wraps it
        return _data_in({"error": {"data": data}})
    return data if isinstance(data, str) and data.startswith("0x") else None


def _data_in(response: Any) -> str | None:
    data = (response or {}).get("error", {}).get("data")
    if isinstance(data, dict):
        data = data.get("result") or data.get("data") or data.get("return")
    return data if isinstance(data, str) and data.startswith("0x") else None
