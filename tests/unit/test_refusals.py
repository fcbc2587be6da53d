"""What nodes say when they answer with an error, and what is made of it: wait, ask for less, or believe it."""

from __future__ import annotations

from typing import Any

import pytest

from qfl.chain.rpc.answers import LOGS, is_batch_too_large, is_fee_too_low, is_nonce_taken, refusal_of
from qfl.errors import PASSING, NodeBusy, RpcFailed, RpcRefused


def kind_of(error: Any, method: str = "eth_call") -> type[Exception]:
    return type(refusal_of("http://node", method, error=error))


@pytest.mark.parametrize(
    "error",
    [
        {"code": 429, "message": "you sent more than 50 requests per second"},
        {"code": 429, "message": "execution reverted? no, this is an error page that says so"},
        {"code": -32005, "message": "exceed maximum requests per second"},
        {"code": -32005, "message": "limit exceeded"},
        {"code": -32600, "message": "monthly limit exceeded"},
        {"code": -32000, "message": "header not found", "data": "0x"},
        {"code": -32002, "message": "request timed out"},
        {"code": 7, "message": "Rate limit reached, iterate more slowly"},
        "Too Many Requests",
    ],
    ids=repr,
)
@pytest.mark.parametrize("method", ["eth_call", LOGS])
def test_a_node_that_has_had_enough_is_asked_again(error: Any, method: str) -> None:
    assert kind_of(error, method) is NodeBusy


@pytest.mark.parametrize(
    "error",
    [
        {"code": -32602, "message": "block range extends beyond current head block"},
        {"code": -32602, "message": "BlockOutOfRangeError: block height is 14 but requested was 15"},
        {"code": -32600, "message": "batch too large"},
        {"code": -32603, "message": "internal error"},
        {"code": -32000, "message": "what nobody has seen before"},
        {"code": "x", "message": None, "data": 7},
        ["an", "error"],
        0,
    ],
    ids=repr,
)
def test_a_role_waits_out_what_may_pass(error: Any) -> None:
    assert kind_of(error) is RpcFailed
    assert issubclass(RpcFailed, PASSING)


@pytest.mark.parametrize(
    "error",
    [
        {"code": -32005, "message": "query returned more than 10000 results"},
        {"code": -32602, "message": "eth_getLogs is limited to a 10 range"},
        {"code": -32000, "message": "query timeout exceeded"},
        {"code": -32000, "message": "query exceeds 10000 results, iterate over smaller ranges or try again later"},
        {"code": -32000, "message": "requested too many blocks; use separate queries, retry with fewer"},
    ],
    ids=repr,
)
def test_a_query_that_is_too_wide_is_not_merely_repeated(error: Any) -> None:
    assert kind_of(error, LOGS) is RpcFailed


@pytest.mark.parametrize(
    "error",
    [
        {"code": 3, "message": "execution reverted", "data": "0x08c379a0"},
        {"code": -32000, "message": "VM Exception while processing transaction: revert"},
        {"code": -32015, "message": "VM execution error.", "data": "0x08c379a0"},
        {"code": -32601, "message": "the method eth_nothing does not exist/is not available"},
    ],
    ids=repr,
)
def test_a_contracts_refusal_and_a_missing_method_are_believed(error: Any) -> None:
    assert kind_of(error) is RpcRefused
    assert not issubclass(RpcRefused, PASSING)


@pytest.mark.parametrize(
    ("message", "nonce_taken", "fee_too_low"),
    [
        ("nonce too low: next nonce 5, tx nonce 4", True, False),
        ("replacement transaction underpriced", True, False),
        ("transaction underpriced: gas tip cap 1, minimum needed 25", False, True),
        ("max fee per gas less than block base fee", False, True),
        ("insufficient funds for gas * price + value", False, False),
        ("intrinsic gas too low", False, False),
    ],
)
def test_why_a_transaction_is_not_taken(message: str, nonce_taken: bool, fee_too_low: bool) -> None:
    refusal = RpcRefused("http://node", "eth_sendRawTransaction", message, None)
    assert is_nonce_taken(refusal) is nonce_taken
    assert is_fee_too_low(refusal) is fee_too_low


def test_a_request_of_too_many_calls_is_known_by_its_words() -> None:
    assert is_batch_too_large({"code": -32600, "message": "Batch size exceeds 10"})
    assert not is_batch_too_large({"code": -32005, "message": "limit exceeded"})
    assert not is_batch_too_large(None)
