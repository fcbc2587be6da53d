"""A transaction decoded: function, arguments, events, and the error of a failed one by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from eth_typing import BlockNumber, HexStr
from web3.contract.contract import ContractEvent
from web3.exceptions import ContractCustomError, ContractLogicError, TransactionNotFound, Web3RPCError
from web3.logs import DISCARD
from web3.types import TxParams

from qfl.chain.abi import load_abi
from qfl.chain.connection import reaching, url_of
from qfl.chain.contracts.base import BoundContract
from qfl.chain.ledger import Ledger
from qfl.chain.revert import decode_revert
from qfl.errors import InvalidInput


def inspect_transaction(ledger: Ledger, tx_hash: str) -> dict[str, Any]:
    """Everything the chain says of a transaction, decoded with this deployment's ABIs.

    Raises:
        InvalidInput: no such transaction.
    """
    web3 = ledger.web3
    with reaching(url_of(web3)):
        try:
            transaction = web3.eth.get_transaction(HexStr(tx_hash))
            receipt = web3.eth.get_transaction_receipt(HexStr(tx_hash))
        except (TransactionNotFound, ValueError, Web3RPCError) as error:
            raise InvalidInput("transaction", tx_hash, "the chain does not know it") from error
        target = _contract_at(ledger, transaction.get("to"))
        found: dict[str, Any] = {
            "hash": tx_hash,
            "status": "succeeded" if receipt["status"] else "failed",
            "block": receipt["blockNumber"],
            "from": transaction["from"],
            "to": transaction.get("to"),
            "contract": _name(ledger, transaction.get("to")),
            "gas": receipt["gasUsed"],
            "bytes": len(transaction["input"]),
            "value_wei": transaction["value"],
        }
        if target is not None and transaction["input"]:
            function, arguments = target.arguments_of(bytes(transaction["input"]))
            found |= {"function": function, "arguments": plain(arguments)}
        found["events"] = _events(ledger, receipt)
        if not receipt["status"]:
            found["error"] = _error(ledger, transaction, receipt["blockNumber"])
    return found


def plain(value: Any) -> Any:
    """Bytes as 0x..., tuples and mappings as plain containers."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if hasattr(value, "items"):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def _contract_at(ledger: Ledger, address: str | None) -> BoundContract | None:
    known = [ledger.staking, ledger.beacon, *ledger.shards, *([ledger.disputes] if ledger.disputes else [])]
    return next((contract for contract in known if contract.address == address), None)


def _name(ledger: Ledger, address: str | None) -> str | None:
    names = {contract.address: name for name, contract in ledger.deployment.contracts.items()}
    names |= {shard.address: f"Shard {index}" for index, shard in enumerate(ledger.deployment.shards)}
    return names.get(address or "")


def _events(ledger: Ledger, receipt: Any) -> list[dict[str, Any]]:
    decoded = []
    for address, abi_name in [
        (ledger.staking.address, "Staking"),
        (ledger.beacon.address, "Beacon"),
        *((shard.address, "Shard") for shard in ledger.shards),
        *([(ledger.disputes.address, "Disputes")] if ledger.disputes else []),
    ]:
        contract = ledger.web3.eth.contract(address=address, abi=load_abi(abi_name))
        for kind in cast(Iterable[type[ContractEvent]], contract.events):
            for event in kind().process_receipt(receipt, errors=DISCARD):
                if event["address"] == address:
                    decoded.append((event["logIndex"], abi_name, event))
    return [
        {"contract": name, "event": event["event"], "arguments": plain(event["args"])}
        for _, name, event in sorted(decoded, key=lambda entry: entry[0])
    ]


def _error(ledger: Ledger, transaction: Any, block: int) -> str:
    """The refusal, found by running the transaction again on the state before its block."""
    call = {name: transaction[name] for name in ("from", "to", "value", "input", "gas") if transaction.get(name)}
    call["data"] = call.pop("input", b"")
    try:
        ledger.web3.eth.call(cast(TxParams, call), block_identifier=BlockNumber(block - 1))
    except (ContractCustomError, ContractLogicError) as error:
        return str(decode_revert("the call", error.data if isinstance(error.data, str) else None))
    except Web3RPCError as error:
        return str(error)
    return "it succeeds on the state before its block: another transaction in the same block was first"
