"""Revert data as Python errors: every error of the contracts by name and values, and no answer of a node crashes it."""

from __future__ import annotations

from collections import defaultdict

import pytest
from eth_abi.abi import encode
from eth_utils.abi import get_abi_input_types
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from qfl.chain.abi import CONTRACTS, all_entries, load_abi
from qfl.chain.rpc.revert import decode_revert

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


def test_require_message():
    error = decode_revert("call", selector("Error(string)") + encode(["string"], ["paused"]))
    assert (error.name, error.values) == ("Error", {"message": "paused"})


def test_panic_code():
    error = decode_revert("call", selector("Panic(uint256)") + (0x11).to_bytes(32, "big"))
    assert (error.name, error.values) == ("Panic", {"code": 0x11})


def test_an_error_of_a_library_is_known_although_no_abi_has_it():
    assert decode_revert("call", selector("Sha256Failed()")).name == "Sha256Failed"


@pytest.mark.parametrize("data", [None, b"", "", "0x"])
def test_no_data_is_said_so(data):
    error = decode_revert("call", data)
    assert (error.name, error.values) == ("reverted without a known error", {})


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
