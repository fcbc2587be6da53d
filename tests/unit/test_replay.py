"""Where in a transaction the refusal came from, told from what nodes answer."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.crypto import keccak
from web3 import Web3

import qfl.chain.rpc.revert
from qfl.chain.rpc.revert import Failure, find_failure
from qfl.errors import RpcRefused

BEACON, QUORUM, OTHER = (f"0x{digit * 40}" for digit in "123")
NO_QUORUM = "0x" + (keccak(text="NoQuorum(uint256,uint256)")[:4] + (2).to_bytes(32) + (3).to_bytes(32)).hex()
EMPTY_KEY = "0x" + keccak(text="EmptyKey()")[:4].hex()
CHECKPOINT = "0x" + keccak(text="openRound()")[:4].hex()
TRANSACTION = {"hash": bytes(32), "to": BEACON, "input": bytes.fromhex(CHECKPOINT[2:]), "gas": 100_000, "value": 0}
RECEIPT = {"gasUsed": 60_000, "blockNumber": 8}


def frame(to: str, output: str, *calls: dict[str, Any], error: str = "execution reverted") -> dict[str, Any]:
    return {
        "type": "CALL",
        "to": to,
        "input": CHECKPOINT,
        "output": output,
        "error": error,
        "gas": "0x10",
        "calls": calls,
    }


@pytest.fixture
def find(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`find_failure` on a node that answers each method as it is told to."""

    def find(answers: dict[str, Any], receipt: dict[str, Any] = RECEIPT) -> Failure:
        def call_all(_rpc: object, method: str, _calls: object) -> list[Any]:
            answer = answers.get(method, RpcRefused("http://node", method, "method not found", None))
            if isinstance(answer, RpcRefused):
                raise answer
            return [answer]

        monkeypatch.setattr(qfl.chain.rpc.revert, "call_all", call_all)
        return find_failure(Web3(), TRANSACTION | {"from": OTHER}, receipt=receipt)

    return find


def test_a_refusal_that_was_passed_on_is_the_inner_contracts(find: Any) -> None:
    inner = frame(QUORUM, NO_QUORUM)
    failure = find({"debug_traceTransaction": frame(BEACON, NO_QUORUM, frame(OTHER, "0x"), inner)})
    assert [call.address for call in failure.calls] == [BEACON, QUORUM]
    assert (failure.refusal.name, failure.refusal.values) == ("NoQuorum", {"signed": 2, "required": 3})
    assert failure.calls[0].function == "openRound"


def test_a_contract_that_answers_a_failure_with_its_own_error_is_who_refused(find: Any) -> None:
    failure = find({"debug_traceTransaction": frame(BEACON, NO_QUORUM, frame(QUORUM, EMPTY_KEY))})
    assert [call.address for call in failure.calls] == [BEACON]
    assert failure.refusal.name == "NoQuorum"


@pytest.mark.parametrize("words", ["out of gas", "OutOfGas", "EvmError: OutOfGas"])
def test_a_lack_of_gas_is_told_from_a_refusal(find: Any, words: str) -> None:
    failure = find({"debug_traceTransaction": frame(BEACON, "0x", error=words)})
    assert (failure.refusal.name, failure.refusal.values) == ("OutOfGas", {"gas": 16})


@pytest.mark.parametrize("trace", [None, {"structLogs": []}], ids=["refused", "another form"])
def test_without_a_trace_the_call_is_made_again(find: Any, trace: dict[str, Any] | None) -> None:
    answers = {"eth_call": RpcRefused("http://node", "eth_call", "execution reverted", NO_QUORUM)}
    failure = find(answers | ({} if trace is None else {"debug_traceTransaction": trace}))
    assert (failure.refusal.name, failure.found_by) == ("NoQuorum", "eth_call")


def test_a_call_that_succeeds_when_made_again_was_overtaken(find: Any) -> None:
    assert find({"eth_call": "0x"}).refusal.name == "Overtaken"


def test_without_a_trace_a_receipt_of_all_the_gas_tells_that_it_ran_out(find: Any) -> None:
    failure = find({}, {"gasUsed": 100_000, "blockNumber": 8})
    assert (failure.refusal.name, failure.found_by) == ("OutOfGas", "eth_getTransactionReceipt")
