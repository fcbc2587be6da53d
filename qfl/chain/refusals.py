"""What the error in a node's answer means. Nodes and hosts have no common codes, so their words count as well.

The words were collected from geth, Erigon, Nethermind, Anvil, Hardhat and Ganache, and from hosts of public nodes.
"""

from __future__ import annotations

from typing import Any

from qfl.errors import ChainError, NodeBusy, RpcFailed, RpcRefused

LOGS = "eth_getLogs"
TOO_WIDE = ("range", "results", "blocks", "too large", "response size", "query timeout", "more than", "exceed max")
"""Of a query for logs: fewer blocks at once may be taken."""
BUSY_CODES = (429, -32005, -32029, -32090, -32097)
BUSY_STATUSES = (408, 425, 429)
"""HTTP: time-out, too early, too many requests."""
BUSY = (
    *("rate limit", "ratelimit", "rate exceeded", "too many requests", "request limit", "request count"),
    *("requests per", "throttl", "compute unit", "capacity", "quota", "credits", "overloaded", "busy"),
    *("try again", "retry", "later", "timeout", "timed out", "deadline exceeded", "temporarily", "unavailable"),
    *("gateway", "indexing", "in progress", "syncing", "not synced", "header not found", "missing trie node"),
    "unknown block",
)
"""Another try may be answered."""
FEE_TOO_LOW = (
    *("underpriced", "gas tip", "tip too", "tip cap", "priority fee", "gas price too low", "fee too low"),
    *("base fee", "basefee", "fee cap", "minimum needed", "minimum gas price"),
)
FINAL_CODES = (-32600, -32601, -32602, -32700)
"""Of JSON-RPC 2.0: invalid request, no such method, invalid parameters, no JSON."""


def refusal_of(url: str, method: str, error: Any) -> ChainError:
    """The exception for the `error` of an answer to `method`, whatever JSON it is.

    Returns:
        NodeBusy: it says that it may answer later.
        RpcFailed: it does not say what kind of fault it is: it may pass.
        RpcRefused: a contract reverted, or the node never takes such a call.
    """
    error = error if isinstance(error, dict) else {"message": error}
    message, code, data = str(error.get("message", error)), error.get("code"), _data_in(error.get("data"))
    refused = RpcRefused(url, method, message, data)
    words = message.lower()
    if refused.is_revert or (method == LOGS and any(sign in words for sign in TOO_WIDE) and "rate" not in words):
        return refused
    if code in BUSY_CODES or any(sign in words for sign in BUSY):
        return NodeBusy(url, f"{method}: {message}")
    return refused if code in FINAL_CODES else RpcFailed(url, method, message, data)


def is_nonce_taken(refusal: RpcRefused) -> bool:
    """Another transaction of the account has the number."""
    words = refusal.message.lower()
    return "nonce" in words or "replacement" in words


def is_fee_too_low(refusal: RpcRefused) -> bool:
    """The node wants a higher fee, or a higher tip, of every transaction."""
    words = refusal.message.lower()
    return not is_nonce_taken(refusal) and any(sign in words for sign in FEE_TOO_LOW)


def _data_in(data: Any) -> str | None:
    """Revert data: a hex string, or what Ganache wraps around one."""
    if isinstance(data, dict):
        data = data.get("result") or data.get("data") or data.get("return")
    return data if isinstance(data, str) and data.startswith("0x") else None
