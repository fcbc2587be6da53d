"""What a node answers: a value of the form that is due, or `NodeContradictsItself`; and what its errors mean.

Nodes and hosts have no common codes for errors, so their words count as well. They were collected from geth, Erigon,
Nethermind, Anvil, Hardhat and Ganache, and from hosts of public nodes.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from eth_abi.exceptions import DecodingError

from qfl.errors import (
    ChainError,
    ChainUnreachable,
    NodeBusy,
    NodeContradictsItself,
    RpcFailed,
    RpcRefused,
    ShardBusy,
    ShardUnreachable,
)

WORD, ADDRESS, DATA, QUANTITY = (
    re.compile(pattern) for pattern in ("0x[0-9a-f]{64}", "0x[0-9a-f]{40}", "0x([0-9a-f]{2})*", "0x[0-9a-f]{1,64}")
)
SHOWN = 80
"""Characters that a message has of an answer."""
LOGS = "eth_getLogs"
TOO_WIDE = ("range", "results", "blocks", "too large", "response size", "query timeout", "more than", "exceed max")
"""Of a query for logs: fewer blocks at once may be taken."""
RATE_CODES = (429, -32029, -32090, -32097)
RATE = ("rate limit", "ratelimit", "rate exceeded", "too many requests", "requests per", "per second", "throttl")
"""Whatever else it says, the node has had enough for now."""
BUSY_CODES = (-32005,)
BUSY_STATUSES = (408, 425, 429)
"""HTTP: time-out, too early, too many requests."""
BUSY = (
    *("limit exceeded", "limit reached", "request limit", "request count", "compute unit", "capacity", "quota"),
    *("credits", "overloaded", "busy", "try again", "retry", "later", "timeout", "timed out", "deadline exceeded"),
    *("temporarily", "unavailable", "gateway", "indexing", "in progress", "syncing", "not synced"),
    *("header not found", "missing trie node", "unknown block"),
)
"""Another try may be answered."""
FEE_TOO_LOW = (
    *("underpriced", "gas tip", "tip too", "tip cap", "priority fee", "gas price too low", "fee too low"),
    *("base fee", "basefee", "fee cap", "minimum needed", "minimum gas price"),
)
NO_SUCH_METHOD = -32601
"""Of JSON-RPC 2.0. Its other codes, for requests that are wrong, are given to right ones as well: by a node that is a
block behind, or that has had enough."""


def require_text(url: str, form: re.Pattern[str], value: Any) -> str:
    """`value` in lower case, if it is a string of this form."""
    text = value.lower() if isinstance(value, str) else ""
    if form.fullmatch(text) is None:
        raise NodeContradictsItself(url, f"{str(value)[:SHOWN]!r} where {form.pattern} is due")
    return text


def require_quantity(url: str, value: Any) -> int:
    """`value` as a number, below 2^256."""
    return int(require_text(url, QUANTITY, value), 16)


def require_data(url: str, value: Any) -> bytes:
    """`value` as bytes."""
    return bytes.fromhex(require_text(url, DATA, value)[2:])


def require_object(url: str, value: Any, *, what: str) -> Mapping[str, Any]:
    """`value`, if it is a JSON object; `what` names it for the message."""
    if not isinstance(value, dict):
        raise NodeContradictsItself(url, f"{str(value)[:SHOWN]!r} where {what} is due")
    return value


MISREAD = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError, DecodingError)
"""What an answer of another form than expected makes fail."""


@contextmanager
def reading(url: str, what: str) -> Iterator[None]:
    """Name what goes wrong while `what` is taken from an answer."""
    try:
        yield
    except MISREAD as error:
        raise NodeContradictsItself(url, f"{what} that is none: {error!r}"[: 4 * SHOWN]) from error


_of_shards: set[str] = set()


def know_shards(urls: Iterable[str], beacon: str) -> None:
    """Have failures at `urls` named as those of shards' own chains from now on, and those at the beacon's not."""
    _of_shards.update(urls)
    _of_shards.discard(beacon)


def unreachable_at(url: str, reason: str) -> ChainUnreachable:
    """The exception for a node that does not answer: of a shard's own chain, or of another one."""
    return ShardUnreachable(url, reason) if url in _of_shards else ChainUnreachable(url, reason)


def busy_at(url: str, reason: str) -> NodeBusy:
    """As `unreachable_at`, for a node that puts a call off."""
    return ShardBusy(url, reason) if url in _of_shards else NodeBusy(url, reason)


def refusal_of(url: str, method: str, *, error: Any) -> ChainError:
    """The exception for the `error` of an answer to `method`, whatever JSON it is.

    Returns:
        NodeBusy: it says that it may answer later.
        RpcFailed: it does not say what kind of fault it is, so that may pass; or a query for logs is too wide.
        RpcRefused: a contract reverted, or the node has no such method.
    """
    error = error if isinstance(error, dict) else {"message": error}
    message, code, data = str(error.get("message", error)), error.get("code"), _data_in(error.get("data"))
    words, refused = message.lower(), RpcRefused(url, method, message, data)
    busy, failed = busy_at(url, f"{method}: {message}"), RpcFailed(url, method, message, data)
    if code in RATE_CODES or _has(words, RATE):
        return busy
    if refused.is_revert or code == NO_SUCH_METHOD:
        return refused
    if method == LOGS and _has(words, TOO_WIDE):
        return failed
    return busy if code in BUSY_CODES or _has(words, BUSY) else failed


def is_batch_too_large(error: Any) -> bool:
    """Whether one error for a whole request is about how many calls are in it."""
    return "batch" in str(error.get("message") if isinstance(error, dict) else error).lower()


def is_nonce_taken(refusal: RpcRefused) -> bool:
    """Another transaction of the account has the number."""
    words = refusal.message.lower()
    return "nonce" in words or "replacement" in words


def is_number_used(refusal: RpcRefused) -> bool:
    """A transaction of the account that has the number is in a block, as the node has it; maybe the very one."""
    words = refusal.message.lower()
    return "nonce" in words and ("too low" in words or "used" in words)


def is_fee_too_low(refusal: RpcRefused) -> bool:
    """The node wants a higher fee, or a higher tip, of every transaction."""
    words = refusal.message.lower()
    return not is_nonce_taken(refusal) and _has(words, FEE_TOO_LOW)


def _has(words: str, signs: tuple[str, ...]) -> bool:
    return any(sign in words for sign in signs)


def _data_in(data: Any) -> str | None:
    """Revert data: a hex string, or what Ganache wraps around one."""
    if isinstance(data, dict):
        data = data.get("result") or data.get("data") or data.get("return")
    return data if isinstance(data, str) and data.startswith("0x") else None
