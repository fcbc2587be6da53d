"""Calls, answers and logs in bytes as web3's own slow coder makes them, and structs as dataclasses."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass, replace

import pytest
from eth_abi.abi import encode
from web3 import Web3

from qfl.chain.abi import load_abi
from qfl.chain.contracts.base import encode_call
from qfl.chain.contracts.beacon import Accepted, Duty, Parameters, ValidatorDuty
from qfl.chain.contracts.records import record
from qfl.chain.contracts.shard import ClientDuty
from qfl.chain.contracts.staking import ParticipantRecord, Role
from qfl.chain.rpc.coding import EventCoder, FunctionCoder
from qfl.protocol.types import Checkpoint, LaneFormat, LmsPublicKey, Reveal, RoundNumber, ShardIndex

CONTRACT = Web3().eth.contract(address="0x" + "00" * 19 + "01", abi=load_abi("Beacon"), decode_tuples=True)
MEMBERS = (7, 2, 1, 3, b"b" * 32, 0b1011, b"u" * 32, b"a" * 32, b"c" * 32)


def entry(kind: str, name: str) -> dict[str, object]:
    (found,) = (entry for entry in load_abi("Beacon") if (entry["type"], entry.get("name")) == (kind, name))
    return found


def test_arguments_are_encoded_as_the_abi_says():
    arguments = [MEMBERS, b"a bundle"]
    assert FunctionCoder(entry("function", "submitCheckpoint")).encode(arguments) == bytes.fromhex(
        CONTRACT.encode_abi("submitCheckpoint", args=arguments)[2:]
    )


def test_a_struct_has_the_names_of_its_members():
    coder = FunctionCoder(entry("function", "checkpointAt"))
    members = entry("function", "checkpointAt")["outputs"][0]["components"]
    values = [{"bytes32": b"d" * 32, "bool": True}.get(member["type"], 9) for member in members]
    answer = encode([f"({','.join(member['type'] for member in members)})"], [tuple(values)])
    found = coder.decode(answer)
    assert {name: getattr(found, name) for name in found._fields} == {
        member["name"]: value for member, value in zip(members, values, strict=True)
    }


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
    values = [MEMBERS if parameter["type"] == "tuple" else 0b11 for parameter in plain]
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
    assert found["args"].keys() == expected.keys()
    assert tuple(found["args"]["checkpoint"]) == MEMBERS
    assert {name: found["args"][name] for name in ("round", "shard")} == {"round": 7, "shard": 2}
    assert (found["blockNumber"], found["transactionHash"].to_0x_hex()) == (16, "0x" + "ab" * 32)


def test_a_filter_names_the_topics_up_to_the_last_one_asked_for():
    coder = EventCoder(entry("event", "CheckpointAccepted"))
    signature, number = coder.topics({"round": 7})
    assert number == "0x" + (7).to_bytes(32).hex()
    assert coder.topics({"shard": 2}) == [signature, None, "0x" + (2).to_bytes(32).hex()]


def test_what_is_not_indexed_cannot_be_filtered_by():
    """Ignored, it would let every log through."""
    with pytest.raises(ValueError, match="attested"):
        EventCoder(entry("event", "CheckpointAccepted")).topics({"attested": 3})


# --- structs as dataclasses ---


CHECKPOINT = Checkpoint(RoundNumber(7), ShardIndex(2), 1, 3, b"b" * 32, 0b1011, b"u" * 32, b"a" * 32, b"c" * 32)
KEY = LmsPublicKey(b"i" * 16, b"r" * 24, 10)


def struct(**members: object) -> tuple[object, ...]:
    """A decoded struct."""
    return namedtuple("struct", members)(**members)


def test_members_are_found_by_name_not_by_place() -> None:
    """A contract that gains a member, or orders them anew to save a slot, must not mix up what is read."""
    digests = {"contentDigest": b"c" * 32, "aggregateRoot": b"a" * 32, "updatesRoot": b"u" * 32, "baseRoot": b"b" * 32}
    numbers = {"included": 0b1011, "added": "by a later version", "count": 3, "turn": 1, "shard": 2, "round": 7}
    assert record(Checkpoint, struct(**digests, **numbers)) == CHECKPOINT


def test_a_member_that_is_missing_is_no_other_one() -> None:
    with pytest.raises(KeyError, match="shard"):
        record(Duty, {"kind": 1, "round": 7, "seat": 0, "deadline": 9})


def test_a_key_among_a_struct_s_own_members_is_one_field() -> None:
    members = {"withdrawal": "0x1", "stakeWei": 5, "root": KEY.root, "nextLeaf": 4, "nonce": 0}
    members |= {"identifier": KEY.identifier, "height": 10, "role": 2, "keyIndex": 1, "exitableAt": 0, "treeIndex": 0}
    found = record(ParticipantRecord, struct(**members))
    assert (found.key, found.role, found.next_leaf) == (KEY, Role.VALIDATOR, 4)


def test_the_lane_format_is_made_of_the_round_parameters() -> None:
    members = {"laneBits": 8, "quantumExponent": 14, "classicalExponent": 10, "trimBps": 100, "normBound": 5}
    found = record(Parameters, struct(**members, shards=1, seats=4, turnSeconds=60, challengeSeconds=600))
    assert found == Parameters(LaneFormat(8, 14, 10), 100, 5, 1, 4, 60, 600)


def test_several_outputs_are_taken_in_their_order() -> None:
    assert record(Duty, (3, 7, 1, 2, 99)) == Duty(ValidatorDuty.VERIFY, RoundNumber(7), ShardIndex(1), 2, 99)
    assert record(tuple[ClientDuty, RoundNumber, int], (2, 7, 99)) == (ClientDuty.COMMIT, 7, 99)
    with pytest.raises(ValueError, match="shorter"):
        record(Duty, (3, 7, 1, 2))


def test_what_no_enumeration_has_is_refused() -> None:
    with pytest.raises(ValueError, match="9"):
        record(ValidatorDuty, 9)


def test_an_event_brings_the_place_where_it_was_found() -> None:
    members = dict(zip(("round", "shard", "turn", "count"), (7, 2, 1, 3), strict=True))
    members |= {"baseRoot": b"b" * 32, "included": 0b1011, "updatesRoot": b"u" * 32}
    members |= {"aggregateRoot": b"a" * 32, "contentDigest": b"c" * 32}
    log = {"checkpoint": struct(**members), "attested": 0b111, "block": 5, "txHash": "0xab"}
    assert record(Accepted, log) == Accepted(CHECKPOINT, 0b111, "0xab")


def test_a_dataclass_is_encoded_as_the_tuple_of_the_struct_s_members() -> None:
    plain = (7, 2, 1, 3, b"b" * 32, 0b1011, b"u" * 32, b"a" * 32, b"c" * 32)
    revealed = Reveal(client=4, index=9, update_root=b"v" * 32, content_digest=b"d" * 32, tx_hash="0xab")
    assert encode_call("Disputes", "disputeUpdates", [CHECKPOINT, [revealed]]) == encode_call(
        "Disputes", "disputeUpdates", [plain, [(4, b"v" * 32, b"d" * 32)]]
    )


def test_a_field_too_few_is_no_struct() -> None:
    @dataclass
    class Half:
        round: int

    with pytest.raises(AttributeError, match="shard"):
        encode_call("Beacon", "submitCheckpoint", [Half(7), b""])


def test_arguments_are_read_back_as_they_were_given() -> None:
    (entry,) = (e for e in load_abi("Beacon") if (e["type"], e.get("name")) == ("function", "submitCheckpoint"))
    other = replace(CHECKPOINT, turn=0)
    found = FunctionCoder(entry).arguments_in(encode_call("Beacon", "submitCheckpoint", [other, b"a bundle"]))
    assert (record(Checkpoint, found["checkpoint"]), found["bundle"]) == (other, b"a bundle")
