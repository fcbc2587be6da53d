"""Calls, answers and logs in bytes: the same as `web3`'s own slow coder makes of them."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from web3 import Web3

from qfl.chain.abi import load_abi
from qfl.chain.rpc.coding import EventCoder, FunctionCoder

CONTRACT = Web3().eth.contract(address="0x" + "00" * 19 + "01", abi=load_abi("Beacon"), decode_tuples=True)
CHECKPOINT = (7, 2, 1, 3, b"b" * 32, 0b1011, b"u" * 32, b"a" * 32, b"c" * 32)


def entry(kind: str, name: str) -> dict[str, object]:
    (found,) = (entry for entry in load_abi("Beacon") if (entry["type"], entry.get("name")) == (kind, name))
    return found


def test_arguments_are_encoded_as_the_abi_says():
    arguments = [CHECKPOINT, b"a bundle"]
    assert FunctionCoder(entry("function", "submitCheckpoint")).encode(arguments) == bytes.fromhex(
        CONTRACT.encode_abi("submitCheckpoint", args=arguments)[2:]
    )


def test_a_struct_has_the_names_of_its_members():
    coder = FunctionCoder(entry("function", "checkpointAt"))
    members = entry("function", "checkpointAt")["outputs"][0]["components"]
    values = [{"bytes32": b"d" * 32, "bool": True}.get(member["type"], 9) for member in members]
    answer = encode([f"({','.join(member['type'] for member in members)})"], [tuple(values)])
    found = coder.decode(answer)
    assert found == {member["name"]: value for member, value in zip(members, values, strict=True)}


def test_several_outputs_are_a_tuple_and_one_is_itself():
    duty = FunctionCoder(entry("function", "validatorDuty")).decode(b"".join(n.to_bytes(32) for n in (3, 7, 1, 0, 99)))
    assert duty == (3, 7, 1, 0, 99)
    assert FunctionCoder(entry("function", "currentRound")).decode((7).to_bytes(32)) == 7


def log(*topics: int) -> dict[str, object]:
    """The log of an accepted checkpoint, as `eth_getLogs` gives it."""
    types = "(uint64,uint16,uint8,uint16,bytes32,uint256,bytes32,bytes32,bytes32)"
    parameters = entry("event", "CheckpointAccepted")["inputs"]
    plain = [parameter for parameter in parameters if not parameter["indexed"]]
    kinds = [types if parameter["type"] == "tuple" else parameter["type"] for parameter in plain]
    values = [CHECKPOINT if parameter["type"] == "tuple" else 0b11 for parameter in plain]
    signature = EventCoder(entry("event", "CheckpointAccepted")).topics({})[0]
    return {
        "address": CONTRACT.address,
        "topics": [signature, *("0x" + value.to_bytes(32).hex() for value in topics)],
        "data": "0x" + encode(kinds, values).hex(),
        "blockNumber": "0x10",
        "transactionHash": "0x" + "ab" * 32,
        "blockHash": "0x" + "cd" * 32,
        "logIndex": "0x0",
        "transactionIndex": "0x0",
    }


def test_a_log_is_read_as_web3_reads_it():
    found = EventCoder(entry("event", "CheckpointAccepted")).decode(log(7, 2, 5))
    expected = CONTRACT.events.CheckpointAccepted().process_log(
        {**log(7, 2, 5), "topics": [bytes.fromhex(t[2:]) for t in log(7, 2, 5)["topics"]]}
    )["args"]
    assert found.keys() == expected.keys()
    assert tuple(found["checkpoint"].values()) == CHECKPOINT
    assert {name: found[name] for name in ("round", "shard")} == {"round": 7, "shard": 2}


def test_a_filter_names_the_topics_up_to_the_last_one_asked_for():
    coder = EventCoder(entry("event", "CheckpointAccepted"))
    signature, number = coder.topics({"round": 7})
    assert number == "0x" + (7).to_bytes(32).hex()
    assert coder.topics({"shard": 2}) == [signature, None, "0x" + (2).to_bytes(32).hex()]


def test_what_is_not_indexed_cannot_be_filtered_by():
    """Ignored, it would let every log through."""
    with pytest.raises(ValueError, match="attested"):
        EventCoder(entry("event", "CheckpointAccepted")).topics({"attested": 3})
