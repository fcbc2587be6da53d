"""Why a call was refused, in the contracts' own names and values; and which call inside a transaction that was.

A transaction's failure is found in three ways, the most exact first: the node's own trace of it; the same call again on
the state before its block; the receipt alone, which tells a lack of gas.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import function_abi_to_4byte_selector, get_abi_input_types
from web3 import Web3

from qfl.chain.abi import all_entries
from qfl.chain.rpc.connection import url_of
from qfl.chain.rpc.rpc import call_all, rpc_at
from qfl.errors import ContractReverted, RpcRefused

OUT_OF_GAS = "OutOfGas"
OVERTAKEN = "Overtaken"
_BUILT_IN = {
    bytes.fromhex("08c379a0"): ("Error", ["message"], ["string"]),
    bytes.fromhex("4e487b71"): ("Panic", ["code"], ["uint256"]),
    # Of the library Lms, so in no contract's ABI.
    bytes.fromhex("c176b3c5"): ("Sha256Failed", list[str](), list[str]()),
}


@cache
def _errors() -> Mapping[bytes, tuple[str, list[str], list[str]]]:
    """Names of errors by selector, with the names and types of their values."""
    return _BUILT_IN | {
        function_abi_to_4byte_selector(entry): (
            entry["name"],
            [value["name"] or str(i) for i, value in enumerate(entry["inputs"])],
            get_abi_input_types(entry),
        )
        for entry in all_entries("error")
    }


def decode_revert(function: str, data: str | bytes | None) -> ContractReverted:
    """The exception for revert `data` (hex or bytes) of a call to `function`."""
    try:
        raw = bytes.fromhex(data.removeprefix("0x")) if isinstance(data, str) else bytes(data or b"")
    except ValueError:
        return ContractReverted(function, "reverted with malformed data", {"data": data})
    if raw[:4] not in _errors():
        return ContractReverted(function, "reverted without a known error", {"data": raw} if raw else {})
    name, names, types = _errors()[raw[:4]]
    try:
        return ContractReverted(function, name, dict(zip(names, decode(types, raw[4:]), strict=True)))
    except (DecodingError, UnicodeDecodeError, OverflowError):
        return ContractReverted(function, name, {"data": raw})


@dataclass(frozen=True)
class InnerCall:
    """A call on the way from the transaction to what failed. An empty `address` is that of a creation."""

    address: str
    data: bytes

    @property
    def function(self) -> str | None:
        """The function that `data` calls; None for one that no contract here has."""
        return _functions().get(self.data[:4])


@dataclass(frozen=True)
class Failure:
    """`refusal` came from the last of `calls` and passed through those before; the first is the transaction's own.

    `found_by` names the JSON-RPC method that told. A refusal named `Overtaken` means: on the state before its block
    the call succeeds, so another transaction of the same block was first.
    """

    refusal: ContractReverted
    calls: tuple[InnerCall, ...]
    found_by: str


def find_failure(web3: Web3, transaction: Mapping[str, Any], *, receipt: Mapping[str, Any]) -> Failure:
    """Why a mined transaction failed. Raises `ChainUnreachable`."""
    if (frame := _trace(web3, bytes(transaction["hash"]))) is not None:
        return _in_trace(frame)
    outer = InnerCall(transaction.get("to") or "", bytes(transaction["input"]))
    if receipt["gasUsed"] == transaction["gas"]:
        refusal = ContractReverted("the call", OUT_OF_GAS, {"gas": transaction["gas"]})
        return Failure(refusal, (outer,), "eth_getTransactionReceipt")
    return Failure(_replay(web3, transaction, receipt["blockNumber"]), (outer,), "eth_call")


@cache
def _functions() -> Mapping[bytes, str]:
    return {function_abi_to_4byte_selector(entry): str(entry["name"]) for entry in all_entries("function")}


def _trace(web3: Web3, tx_hash: bytes) -> dict[str, Any] | None:
    """The transaction's calls as a tree (the node's `callTracer`); None where the node does not make it."""
    asked = ("0x" + tx_hash.hex(), {"tracer": "callTracer"})
    try:
        (frame,) = call_all(rpc_at(url_of(web3)), "debug_traceTransaction", [asked])
    except RpcRefused:
        return None
    return dict(frame) if isinstance(frame, dict) and "error" in frame else None


def _in_trace(frame: dict[str, Any]) -> Failure:
    calls = [_call_in(frame)]
    while (inner := _cause(frame)) is not None:
        frame = inner
        calls.append(_call_in(frame))
    if "outofgas" in str(frame["error"]).replace(" ", "").lower():
        refusal = ContractReverted("the call", OUT_OF_GAS, {"gas": int(str(frame.get("gas", "0x0")), 16)})
    else:
        refusal = decode_revert("the call", frame.get("output"))
    return Failure(refusal, tuple(calls), "debug_traceTransaction")


def _cause(frame: dict[str, Any]) -> dict[str, Any] | None:
    """The inner call whose failure a frame passed on: the last one that failed, with the same data."""
    inside: list[dict[str, Any]] = frame.get("calls") or []
    failed = [inner for inner in inside if inner.get("error") and inner.get("type") != "CREATE"]
    if failed and (failed[-1].get("output") or "0x") == (frame.get("output") or "0x"):
        return failed[-1]
    return None


def _call_in(frame: Mapping[str, Any]) -> InnerCall:
    address = frame.get("to")
    data = str(frame.get("input") or "0x").removeprefix("0x")
    return InnerCall(Web3.to_checksum_address(address) if address else "", bytes.fromhex(data))


def _replay(web3: Web3, transaction: Mapping[str, Any], block: int) -> ContractReverted:
    call = {"from": transaction["from"], "data": "0x" + bytes(transaction["input"]).hex()}
    call |= {name: hex(transaction[name]) for name in ("value", "gas")}
    if transaction.get("to"):
        call["to"] = transaction["to"]
    try:
        call_all(rpc_at(url_of(web3)), "eth_call", [(call, hex(block - 1))])
    except RpcRefused as error:
        if error.is_revert:
            return decode_revert("the call", error.data)
        return ContractReverted("the call", OUT_OF_GAS if "gas" in error.message else error.message, {})
    return ContractReverted("the call", OVERTAKEN, {"block": block})
