"""A transaction decoded: function, arguments, events, and the error of a failed one by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, cast

from eth_abi.exceptions import DecodingError
from eth_typing import HexStr
from web3 import Web3
from web3.contract.contract import ContractEvent
from web3.exceptions import TransactionNotFound, Web3Exception, Web3RPCError
from web3.logs import DISCARD
from web3.types import TxData, TxReceipt

from qfl.apps.inspect.failure import explain_failure
from qfl.apps.inspect.plain import plain
from qfl.chain.abi import load_abi, selector_of
from qfl.chain.contracts.base import BoundContract
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.connection import reaching, url_of
from qfl.errors import ChainUnreachable, InvalidInput


def inspect_transaction(ledger: Ledger, tx_hash: str) -> dict[str, Any]:
    """Everything the chain says of a transaction, decoded with this deployment's ABIs; of a failed one, why.

    Raises:
        InvalidInput: no such transaction.
    """
    web3, transaction, receipt = _find(ledger, tx_hash)
    with reaching(url_of(web3)):
        contracts = _contracts_on(ledger, web3)
        bound = contracts.get(transaction.get("to") or "")

        def name_of(address: str) -> str | None:
            return contracts[address][0] if address in contracts else _other_name(ledger, web3, address)

        found: dict[str, Any] = {
            "hash": tx_hash,
            "chain_id": transaction["chainId"],
            "status": "succeeded" if receipt["status"] else "failed",
            "block": receipt["blockNumber"],
            "from": transaction["from"],
            "to": transaction.get("to"),
            "contract": name_of(transaction.get("to") or ""),
            "gas": receipt["gasUsed"],
            "bytes": len(transaction["input"]),
            "value_wei": transaction["value"],
        }
        if bound is not None and transaction["input"]:
            found |= _call(bound[1], bytes(transaction["input"]))
        found["events"] = _events(contracts, receipt)
        if not receipt["status"]:
            found |= explain_failure(web3, transaction, receipt=receipt, name_of=name_of)
    return found


def _call(target: BoundContract, data: bytes) -> dict[str, Any]:
    """The function that a contract was called for and its arguments; or what there is in place of them."""
    try:
        function, arguments = target.arguments_of(data)
    except (Web3Exception, DecodingError, ValueError, TypeError, OverflowError) as error:
        entries = (entry for entry in load_abi(target.abi_name) if entry["type"] == "function")
        known = {selector_of(entry): entry["name"] for entry in entries}
        if data[:4] not in known:
            return {"function": f"unknown: {target.abi_name} has none with the selector 0x{data[:4].hex()}"}
        return {"function": known[data[:4]], "arguments": f"unreadable: {type(error).__name__}"}
    return {"function": function, "arguments": plain(arguments)}


def _find(ledger: Ledger, tx_hash: str) -> tuple[Web3, TxData, TxReceipt]:
    """A transaction with the chain that has it: the beacon's, or a shard's own, as far as they answer."""
    if not re.fullmatch("0x[0-9a-fA-F]{64}", tx_hash):
        raise InvalidInput("transaction", tx_hash, "a transaction's hash is 0x and 64 hexadecimal digits")
    for web3 in (ledger.web3, *ledger.shard_web3s):
        try:
            # Inside: what this chain does not know, another one may; a hash that is none, nobody does.
            with reaching(url_of(web3)), suppress(TransactionNotFound, ValueError, Web3RPCError):
                transaction = web3.eth.get_transaction(HexStr(tx_hash))
                return web3, transaction, web3.eth.get_transaction_receipt(HexStr(tx_hash))
        except ChainUnreachable as fault:
            if not ledger.is_of_a_shard(fault):
                raise
    raise InvalidInput("transaction", tx_hash, "no chain here knows it")


def _contracts_on(ledger: Ledger, web3: Web3) -> dict[str, tuple[str, BoundContract]]:
    """The deployment's contracts on one chain, by address: two chains may have different ones at the same."""
    named: dict[str, BoundContract | None] = {
        "Staking": ledger.staking,
        "Beacon": ledger.beacon,
        "Rewards": ledger.rewards,
        "Demands": ledger.demands,
        "Disputes": ledger.disputes,
        **{f"BeaconMirror {index}": mirror for index, mirror in enumerate(ledger.mirrors)},
        **{f"Shard {index}": shard for index, shard in enumerate(ledger.shards)},
    }
    return {found.address: (name, found) for name, found in named.items() if found is not None and found.web3 is web3}


def _other_name(ledger: Ledger, web3: Web3, address: str) -> str | None:
    """The name of a contract of the deployment that nobody calls through a wrapper."""
    names = {contract.address: name for name, contract in ledger.deployment.contracts.items()}
    return names.get(address) if web3 is ledger.web3 else None


def _events(contracts: Mapping[str, tuple[str, BoundContract]], receipt: Any) -> list[dict[str, Any]]:
    decoded = []
    for address, (_, bound) in contracts.items():
        contract = bound.web3.eth.contract(address=bound.address, abi=load_abi(bound.abi_name))
        for kind in cast(Iterable[type[ContractEvent]], contract.events):
            for event in kind().process_receipt(receipt, errors=DISCARD):
                if event["address"] == address:
                    decoded.append((event["logIndex"], bound.abi_name, event))
    return [
        {"contract": name, "event": event["event"], "arguments": plain(event["args"])}
        for _, name, event in sorted(decoded, key=lambda entry: entry[0])
    ]
