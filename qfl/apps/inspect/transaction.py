"""A transaction decoded: function, arguments, events; of a failed one why it failed, of a proof the fault it proved."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from eth_typing import HexStr
from web3 import Web3
from web3.exceptions import TransactionNotFound, Web3RPCError
from web3.types import TxData, TxReceipt

from qfl.apps.inspect import plain
from qfl.apps.inspect.contracts import ChainContracts, contracts_by_chain
from qfl.chain.contracts.disputes import Fault, ProvenFault
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.connection import reaching, url_of
from qfl.chain.rpc.revert import OVERTAKEN, find_failure
from qfl.errors import InvalidInput, NoDisputes, ShardUnreachable

WHAT = {
    Fault.AGGREGATE: "the aggregate of the shard is not what the included updates come to",
    Fault.UPDATES: "the checkpoint includes what nobody revealed",
    Fault.NORM: "an included update is over the norm bound",
    Fault.MODEL: "the model is not what its base and the checkpoints come to",
    Fault.WITHHELD: "nobody showed in time what was demanded of the checkpoint or the model",
    Fault.MIRROR: "a seat signed a message for its shard's mirror that the beacon contradicts",
    Fault.EQUIVOCATION: "a seat signed two checkpoints in one turn",
}


def inspect_transaction(ledger: Ledger, tx_hash: str) -> dict[str, Any]:
    """Everything the chain says of a transaction, decoded with this deployment's ABIs; of a failed one, why.

    Raises InvalidInput: no such transaction.
    """
    chain, transaction, receipt = _find(ledger, tx_hash)
    web3, contracts = (ledger.web3, *ledger.shard_web3s)[chain], contracts_by_chain(ledger.deployment)[chain]
    with reaching(url_of(web3)):
        receiver = transaction.get("to") or ""
        found: dict[str, Any] = {
            "hash": tx_hash,
            "chain_id": transaction["chainId"],
            "status": "succeeded" if receipt["status"] else "failed",
            "block": receipt["blockNumber"],
            "from": transaction["from"],
            "to": transaction.get("to"),
            "contract": contracts.labels.get(receiver.lower()),
            "gas": receipt["gasUsed"],
            "bytes": len(transaction["input"]),
            "value_wei": transaction["value"],
            **contracts.call(receiver, bytes(transaction["input"])),
            "events": list(_events(contracts, receipt)),
        }
        if not receipt["status"]:
            found |= _failure(web3, transaction, receipt, contracts)
    return found


def _find(ledger: Ledger, tx_hash: str) -> tuple[int, TxData, TxReceipt]:
    """A transaction with the chain that has it: 0 is the beacon's, then the shards' own, as far as they answer."""
    if not re.fullmatch("0x[0-9a-fA-F]{64}", tx_hash):
        raise InvalidInput("transaction", tx_hash, "a transaction's hash is 0x and 64 hexadecimal digits")
    for chain, web3 in enumerate((ledger.web3, *ledger.shard_web3s)):
        # Inside: what this chain does not know, another one may; a hash that is none, nobody does.
        unknown = suppress(TransactionNotFound, ValueError, Web3RPCError)
        with suppress(ShardUnreachable), reaching(url_of(web3)), unknown:
            transaction = web3.eth.get_transaction(HexStr(tx_hash))
            return chain, transaction, web3.eth.get_transaction_receipt(HexStr(tx_hash))
    raise InvalidInput("transaction", tx_hash, "no chain here knows it")


def _events(contracts: ChainContracts, receipt: TxReceipt) -> Iterator[dict[str, Any]]:
    for log in receipt["logs"]:
        raw = {
            "data": log["data"].to_0x_hex(),
            "topics": [topic.to_0x_hex() for topic in log["topics"]],
            "blockNumber": hex(log["blockNumber"]),
            "transactionHash": log["transactionHash"].to_0x_hex(),
        }
        name, arguments = contracts.event(log["address"], raw)
        if name is not None:
            yield {"contract": contracts.kind_of(log["address"]), "event": name, "arguments": arguments}


@dataclass(frozen=True)
class Rule:
    """The rule that was broken, and what whoever broke it can do."""

    rule: str
    remedy: str


_OF_NO_CONTRACT_HERE = Rule(
    "a contract that is not of this deployment, or of another version, refused for a reason of its own",
    "compare the address with the deployment file, and the contracts with this program's version",
)


@cache
def all_rules() -> Mapping[str, Rule]:
    """Every error of `rules.toml`, by name."""
    text = files(__package__).joinpath("rules.toml").read_text()
    return {name: Rule(**entry) for name, entry in tomllib.loads(text).items()}


def find_rule(error: str) -> Rule:
    """What the contracts' error of this name means; of one that they do not have, that it is not theirs."""
    return all_rules().get(error, _OF_NO_CONTRACT_HERE)


def _failure(web3: Web3, transaction: TxData, receipt: TxReceipt, contracts: ChainContracts) -> dict[str, Any]:
    """`error` in one line, and under `failure` the trace of it."""
    failure = find_failure(web3, transaction, receipt=receipt)
    found, broken = failure.refusal, find_rule(failure.refusal.name)
    calls = [
        {"contract": contracts.labels.get(call.address.lower(), call.address), "function": call.function}
        for call in failure.calls
    ]
    return {
        "error": broken.rule if found.name == OVERTAKEN else str(found),
        "failure": {
            "error": found.name,
            "values": plain(found.values),
            "refused_by": calls[-1],
            "calls": calls,
            **plain(broken),
            "found_by": failure.found_by,
        },
    }


def inspect_dispute(ledger: Ledger, tx_hash: str | None = None) -> dict[str, Any] | list[dict[str, Any]]:
    """The fault that a transaction proved, with what each of the guilty lost and the proof itself.

    Without a hash, every fault proven, oldest first.

    Raises InvalidInput: it proved none; NoDisputes: nobody can dispute anything here.
    """
    if ledger.disputes is None:
        raise NoDisputes(ledger.beacon.address)
    faults = ledger.disputes.proven(ledger.from_block)
    if tx_hash is None:
        return [_summary(ledger, proven) for proven in faults]
    wanted = tx_hash.lower()
    proven = next((entry for entry in faults if entry.tx_hash == wanted), None)
    if proven is None:
        raise InvalidInput("dispute", tx_hash, "proved no fault; `qfl inspect dispute` lists those that did")
    transaction = inspect_transaction(ledger, wanted)
    slashings = [entry for entry in ledger.staking.slashings(ledger.from_block) if entry.tx_hash == wanted]
    found = _summary(ledger, proven)
    found["slashed"] = [
        {"validator": entry.id, "amount_wei": entry.amount_wei, "bounty_wei": entry.bounty_wei} for entry in slashings
    ]
    found["bounty_wei"] = sum(entry.bounty_wei for entry in slashings)
    found["burned_wei"] = sum(entry.amount_wei - entry.bounty_wei for entry in slashings)
    return found | {name: transaction.get(name) for name in ("block", "gas", "bytes", "function", "arguments")}


def _summary(ledger: Ledger, proven: ProvenFault) -> dict[str, Any]:
    found: dict[str, Any] = plain(proven)
    state = ledger.beacon.round_at(proven.round).state.name.lower()
    return found | {"fault": proven.fault.name.lower(), "what": WHAT[proven.fault], "round_is": state}
