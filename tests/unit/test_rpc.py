"""Talking to nodes: what is made of their errors, which chain a call goes to, the thread that connections share."""

from typing import Any

import pytest

from qfl.chain.rpc.answers import LOGS, is_batch_too_large, is_fee_too_low, is_nonce_taken, refusal_of
from qfl.chain.rpc.calls import ChainRouter, Receipt
from qfl.chain.rpc.rpc import wait_for
from qfl.chain.rpc.sender import UnsentCall
from qfl.errors import PASSING, NodeBusy, RpcFailed, RpcRefused

BUSY = [
    {"code": 429, "message": "you sent more than 50 requests per second"},
    {"code": 429, "message": "execution reverted? no, this is an error page that says so"},
    {"code": -32005, "message": "exceed maximum requests per second"},
    {"code": -32005, "message": "limit exceeded"},
    {"code": -32600, "message": "monthly limit exceeded"},
    {"code": -32000, "message": "header not found", "data": "0x"},
    {"code": -32002, "message": "request timed out"},
    {"code": 7, "message": "Rate limit reached, iterate more slowly"},
    "Too Many Requests",
]
PASSING_FAULTS = [
    {"code": -32602, "message": "block range extends beyond current head block"},
    {"code": -32602, "message": "BlockOutOfRangeError: block height is 14 but requested was 15"},
    {"code": -32600, "message": "batch too large"},
    {"code": -32603, "message": "internal error"},
    {"code": -32000, "message": "what nobody has seen before"},
    {"code": "x", "message": None, "data": 7},
    ["an", "error"],
    0,
]
TOO_WIDE = [
    {"code": -32005, "message": "query returned more than 10000 results"},
    {"code": -32602, "message": "eth_getLogs is limited to a 10 range"},
    {"code": -32000, "message": "query timeout exceeded"},
    {"code": -32000, "message": "query exceeds 10000 results, iterate over smaller ranges or try again later"},
    {"code": -32000, "message": "requested too many blocks; use separate queries, retry with fewer"},
]
BELIEVED = [
    {"code": 3, "message": "execution reverted", "data": "0x08c379a0"},
    {"code": -32000, "message": "VM Exception while processing transaction: revert"},
    {"code": -32015, "message": "VM execution error.", "data": "0x08c379a0"},
    {"code": -32601, "message": "the method eth_nothing does not exist/is not available"},
]


@pytest.mark.parametrize(
    ("error", "method", "kind"),
    [
        *((error, method, NodeBusy) for error in BUSY for method in ("eth_call", LOGS)),
        *((error, "eth_call", RpcFailed) for error in PASSING_FAULTS),
        *((error, LOGS, RpcFailed) for error in TOO_WIDE),  # not merely repeated
        *((error, "eth_call", RpcRefused) for error in BELIEVED),
    ],
    ids=repr,
)
def test_what_a_node_says_is_asked_again_waited_out_or_believed(error: Any, method: str, kind: type[Exception]) -> None:
    assert type(refusal_of("http://node", method, error=error)) is kind


def test_a_role_waits_out_what_may_pass_and_not_what_is_believed() -> None:
    assert issubclass(RpcFailed, PASSING)
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


# --- several chains ---


BEACON, SHARD = 31_337, 31_338


class StubCarrier:
    """Carries nothing, and says on which chain it did."""

    def __init__(self, chain_id: int) -> None:
        self.chain_id, self.address = chain_id, f"payer on {chain_id}"

    def balance_wei(self) -> int:
        return self.chain_id

    def send(self, call: UnsentCall) -> Receipt:
        return Receipt(call.label, None, None, "0x", 1, 2, 3, self.chain_id)

    async def carry(self, calls: list[UnsentCall]) -> list[Receipt]:
        return [self.send(call) for call in calls]

    def dry_run(self, call: UnsentCall) -> int:
        return self.chain_id


def call(label: str, chain_id: int | None) -> UnsentCall:
    return UnsentCall(label, "0x", b"", chain_id=chain_id)


@pytest.fixture
def router() -> ChainRouter:
    return ChainRouter({chain_id: StubCarrier(chain_id) for chain_id in (BEACON, SHARD)})


@pytest.mark.parametrize(("chain_id", "expected"), [(BEACON, BEACON), (SHARD, SHARD), (None, BEACON)])
def test_a_call_goes_to_its_contracts_chain(router, chain_id, expected):
    assert router.send(call("commit", chain_id)).chain_id == expected
    assert router.dry_run(call("commit", chain_id)) == expected


def test_outcomes_of_many_calls_come_back_in_the_calls_order(router):
    """Rewards go to the beacon, commits to a shard: told apart by place only."""
    calls = [call("a", SHARD), call("b", BEACON), call("c", SHARD), call("d", None)]
    found = [(receipt.label, receipt.chain_id) for receipt in router.send_many(calls)]
    assert found == [("a", SHARD), ("b", BEACON), ("c", SHARD), ("d", BEACON)]


def test_the_account_that_is_named_and_funded_is_the_beacons(router):
    assert (router.address, router.balance_wei()) == (f"payer on {BEACON}", BEACON)


# --- the thread ---


async def answer() -> int:
    return 7


def test_a_listener_that_calls_the_chain_is_refused_instead_of_hanging_for_ever() -> None:
    async def listener() -> int:
        return wait_for(answer())

    with pytest.raises(RuntimeError, match="listeners must not call the chain"):
        wait_for(listener())
    assert wait_for(answer()) == 7
