"""A contract's refusal: decoded from bytes of any kind, found in a transaction, and explained with a remedy."""

import re
from collections import defaultdict
from typing import Any

import click
import pytest
from eth_abi.abi import encode
from eth_utils.abi import get_abi_input_types
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st
from web3 import Web3

import qfl.chain.rpc.revert
from qfl.apps.cli.main import cli
from qfl.apps.inspect.transaction import all_rules, find_rule
from qfl.chain.abi import CONTRACTS, all_entries, load_abi
from qfl.chain.rpc.revert import OUT_OF_GAS, OVERTAKEN, Failure, decode_revert, find_failure
from qfl.errors import RpcRefused

ERRORS = [
    pytest.param(entry, id=f"{contract}.{entry['name']}")
    for contract in CONTRACTS
    for entry in load_abi(contract)
    if entry["type"] == "error"
]
SAMPLES = {
    "address": "0x" + "ab" * 20,
    "bool": True,
    "bytes16": b"i" * 16,
    "bytes28": b"l" * 28,
    "bytes32": b"d" * 32,
    "string": "trimBps",
}


def selector(signature: str) -> bytes:
    return keccak(text=signature)[:4]


@pytest.mark.parametrize("entry", ERRORS)
def test_every_error_of_the_contracts_comes_back_by_name_with_its_values(entry):
    types = get_abi_input_types(entry)
    values = [SAMPLES.get(kind, 10 + position) for position, kind in enumerate(types)]
    data = selector(f"{entry['name']}({','.join(types)})") + encode(types, values)
    error = decode_revert("commit", data)
    assert error.name == entry["name"]
    assert list(error.values.values()) == values
    assert list(error.values) == [parameter["name"] for parameter in entry["inputs"]]


def test_an_error_has_one_signature_whichever_contract_it_comes_from():
    """The revert data does not say where it came from."""
    signatures = defaultdict(set)
    for entry in all_entries("error"):
        signatures[entry["name"]].add(tuple((part["type"], part["name"]) for part in entry["inputs"]))
    assert {name: found for name, found in signatures.items() if len(found) > 1} == {}


def test_contracts_have_errors_to_decode():
    """The test above would pass on ABIs that were exported without errors."""
    assert len(ERRORS) > 40


def test_message_names_function_error_and_values():
    data = selector("WrongBase(bytes32,bytes32)") + b"\x01" * 32 + b"\x02" * 32
    assert str(decode_revert("commit", data)) == (
        f"commit was refused: WrongBase(given=0x{'01' * 32}, expected=0x{'02' * 32})"
    )


def test_hex_with_and_without_prefix_and_bytes_are_the_same():
    data = selector("EmptyKey()")
    names = {decode_revert("bond", form).name for form in (data, data.hex(), "0x" + data.hex())}
    assert names == {"EmptyKey"}


@pytest.mark.parametrize(
    ("data", "name", "values"),
    [
        (selector("Error(string)") + encode(["string"], ["paused"]), "Error", {"message": "paused"}),
        (selector("Panic(uint256)") + (0x11).to_bytes(32), "Panic", {"code": 0x11}),
        (selector("Sha256Failed()"), "Sha256Failed", {}),  # of a library, in no ABI
        *((nothing, "reverted without a known error", {}) for nothing in (None, b"", "", "0x")),
    ],
)
def test_an_error_of_no_abi_is_known_too(data, name, values):
    error = decode_revert("call", data)
    assert (error.name, error.values) == (name, values)


def test_unknown_error_shows_its_data():
    error = decode_revert("call", "0xdeadbeef01")
    assert "0xdeadbeef01" in str(error)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("0x123", id="half a byte"),
        pytest.param("0xzz", id="no hex"),
        pytest.param(selector("WrongBase(bytes32,bytes32)") + bytes(63), id="values cut short"),
        pytest.param(selector("Error(string)") + b"\xff" * 64, id="string beyond the end"),
        pytest.param(selector("Error(string)") + (32).to_bytes(32, "big") + b"\xff" * 32, id="string of absurd length"),
        pytest.param(
            selector("Error(string)") + (32).to_bytes(32, "big") + (2).to_bytes(32, "big") + b"\xff\xfe" + bytes(30),
            id="string that is no UTF-8",
        ),
    ],
)
def test_malformed_data_is_a_refusal_too(data):
    """Whoever answers JSON-RPC decides these bytes: they must not become a stack trace."""
    assert str(decode_revert("call", data)).startswith("call was refused: ")


@given(st.sampled_from(["Error(string)", "BadParameters(string,uint256)", "EmptyKey()"]), st.binary(max_size=200))
def test_no_data_crashes(signature, rest):
    assert decode_revert("call", selector(signature) + rest).function == "call"


# --- where in a transaction it came from ---


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


# --- what is said of it ---


OF_THE_CONTRACTS = {entry["name"] for entry in all_entries("error")}
OF_NO_ABI = {"Error", "Panic", "Sha256Failed", OUT_OF_GAS, OVERTAKEN}


def test_every_error_of_the_contracts_has_a_rule_and_a_remedy() -> None:
    assert OF_THE_CONTRACTS - all_rules().keys() == set()


def test_no_rule_is_of_an_error_that_is_gone() -> None:
    assert all_rules().keys() - OF_THE_CONTRACTS - OF_NO_ABI == set()


@pytest.mark.parametrize("name", sorted(all_rules()))
def test_commands_that_a_remedy_names_exist_with_their_options(name: str) -> None:
    for words in re.findall(r"`qfl ([^`]+)`", all_rules()[name].remedy):
        command: click.Command = cli
        rest = words.split()
        while isinstance(command, click.Group):
            assert rest and rest[0] in command.commands, f"{name}: no command `qfl {words}`"
            command = command.commands[rest.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known


def test_an_error_of_a_foreign_contract_is_not_explained_as_one_of_ours() -> None:
    assert "not of this deployment" in find_rule("reverted without a known error").rule
