"""Events over any number of blocks, from nodes that take a query for some blocks at once only.

What a node takes is found out: a query that it refuses is halved, and what it took is what later ones begin with.
"""

from collections.abc import Mapping
from typing import Any

from qfl.chain.rpc.answers import LOGS, require_quantity
from qfl.chain.rpc.rpc import Rpc, wait_for
from qfl.errors import NodeBusy, NodeContradictsItself, RpcFailed, RpcRefused

BUSY_PARTS = 8
"""What a query is divided by when the node does not say that it is too wide: every try takes seconds then."""


def read_logs(rpc: Rpc, wanted: Mapping[str, object], *, first: int, last: int | str) -> list[Any]:
    """The logs that fit the filter `wanted` in the blocks from `first` to `last`, a number or a tag, oldest first.

    Raises:
        RpcRefused, NodeBusy: the node does not answer for a single block either.
        ChainUnreachable, NodeContradictsItself.
    """
    return wait_for(_read(rpc, wanted, first, last))


async def _read(rpc: Rpc, wanted: Mapping[str, object], first: int, last: int | str) -> list[Any]:
    if rpc.log_span is None:
        try:
            return await _ask(rpc, wanted, first, last)
        except (RpcRefused, NodeBusy) as refusal:
            if first == last or not _may_be_too_wide(refusal):
                raise
    end = last if isinstance(last, int) else await _number_of(rpc, last)
    span, was_refused, found = rpc.log_span or max(1, (end - first + 1) // 2), rpc.log_span is None, list[Any]()
    while first <= end:
        until = min(end, first + span - 1)
        try:
            found += await _ask(rpc, wanted, first, until)
        except (RpcRefused, NodeBusy) as refusal:
            if until == first or not _may_be_too_wide(refusal):
                raise
            # Some hosts have the same words for too many blocks and too many calls: those were waited for already.
            parts = BUSY_PARTS if isinstance(refusal, NodeBusy) else 2
            span, was_refused = max(1, (until - first + 1) // parts), True
            continue
        if was_refused:  # only now: a fault of another kind must not make every later query a small one
            rpc.log_span, was_refused = span, False
        first = until + 1
    return found


def _may_be_too_wide(refusal: RpcRefused | NodeBusy) -> bool:
    """Not so where the node has no such method: no number of blocks would help."""
    return isinstance(refusal, NodeBusy | RpcFailed)


async def _ask(rpc: Rpc, wanted: Mapping[str, object], first: int, last: int | str) -> list[Any]:
    until = hex(last) if isinstance(last, int) else last
    logs = await rpc.call(LOGS, {**wanted, "fromBlock": hex(first), "toBlock": until})
    if not isinstance(logs, list):
        raise NodeContradictsItself(rpc.url, "events that are no list")
    return logs


async def _number_of(rpc: Rpc, tag: str) -> int:
    if tag == "latest":
        return require_quantity(rpc.url, await rpc.call("eth_blockNumber"))
    block = await rpc.call("eth_getBlockByNumber", tag, False)
    return require_quantity(rpc.url, block.get("number") if isinstance(block, dict) else None)
