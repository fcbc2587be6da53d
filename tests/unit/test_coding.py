"""Filters of events, and structs as dataclasses: by the names of their members, and back into the bytes of a call."""

from dataclasses import dataclass, replace

import pytest

from qfl.chain.abi import load_abi
from qfl.chain.contracts.base import encode_call
from qfl.chain.contracts.draw import Duty, ValidatorDuty
from qfl.chain.contracts.shard import ClientDuty
from qfl.chain.rpc.coding import EventCoder, FunctionCoder, record
from qfl.protocol.types import Checkpoint, Reveal, RoundNumber, ShardIndex


def entry(kind: str, name: str) -> dict[str, object]:
    (found,) = (entry for entry in load_abi("Beacon") if (entry["type"], entry.get("name")) == (kind, name))
    return found


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


CHECKPOINT = Checkpoint(
    RoundNumber(7), ShardIndex(2), 1, 3, b"b" * 32, 0b1011, b"u" * 32, b"a" * 32, b"c" * 32, b"r" * 32, b"p" * 32
)


def test_members_are_found_by_name_not_by_place() -> None:
    """A contract that gains a member, or orders them anew to save a slot, must not mix up what is read."""
    digests = {"contentDigest": b"c" * 32, "aggregateRoot": b"a" * 32, "updatesRoot": b"u" * 32, "baseRoot": b"b" * 32}
    numbers = {"included": 0b1011, "added": "by a later version", "count": 3, "turn": 1, "shard": 2, "round": 7}
    later = {"modelDigest": bytes(32), "revealsHash": b"r" * 32, "modelRoot": bytes(32)} | {"parametersHash": b"p" * 32}
    assert record(Checkpoint, {**digests, **numbers, **later}) == CHECKPOINT


def test_a_member_that_is_missing_is_no_other_one() -> None:
    with pytest.raises(KeyError, match="shard"):
        record(Duty, {"kind": 1, "round": 7, "seat": 0, "deadline": 9})


def test_several_outputs_are_taken_in_their_order() -> None:
    assert record(Duty, (3, 7, 1, 2, 99)) == Duty(ValidatorDuty.VERIFY, RoundNumber(7), ShardIndex(1), 2, 99)
    assert record(tuple[ClientDuty, RoundNumber, int], (2, 7, 99)) == (ClientDuty.COMMIT, 7, 99)
    with pytest.raises(ValueError, match="shorter"):
        record(Duty, (3, 7, 1, 2))


def test_what_no_enumeration_has_is_refused() -> None:
    with pytest.raises(ValueError, match="9"):
        record(ValidatorDuty, 9)


def test_a_dataclass_is_encoded_as_the_tuple_of_the_struct_s_members() -> None:
    plain = (7, 2, 1, 3, b"b" * 32, 0b1011, b"u" * 32, b"a" * 32, b"c" * 32, b"r" * 32, b"p" * 32, bytes(32), bytes(32))
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
