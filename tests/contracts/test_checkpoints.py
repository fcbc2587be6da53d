"""Beacon: checkpoints.

submitCheckpoint  reverts: NotCurrentRound, WrongPhase, NoSuchShard, AlreadyCheckpointed, WrongBase, WrongCount,
                  WrongTurn, NoQuorum, BadAttestation (forged, replayed from another round, altered) · any carrier
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.world import CHECKPOINT, GENESIS, IDLE, REVEAL, as_tuple, bundle_of, key_of, reverts, word


def test_submit_checkpoint_reverts_when_not_current_round(checking, honest):
    with reverts("NotCurrentRound", 2, 1):
        checking.submit(replace(honest, round=2), b"")


def test_submit_checkpoint_reverts_before_the_phase(world):
    world.open()
    world.next_at(world.ends_at("reveal") - 1)
    with reverts("WrongPhase", REVEAL, CHECKPOINT):
        world.submit(world.checkpoint((), count=1, included=1), b"")


def test_submit_checkpoint_reverts_when_late(checking, honest):
    bundle = checking.bundle(honest)
    checking.next_at(checking.ends_at("checkpoint"))
    with reverts("WrongPhase", IDLE, CHECKPOINT):
        checking.submit(honest, bundle)


def test_submit_checkpoint_is_accepted_in_the_last_second(checking, honest):
    bundle = checking.bundle(honest)
    checking.next_at(checking.ends_at("checkpoint") - 1)
    assert "CheckpointAccepted" in checking.submit(honest, bundle).events


def test_submit_checkpoint_reverts_when_no_such_shard(checking, honest):
    with reverts("NoSuchShard", 1, 1):
        checking.submit(replace(honest, shard=1), b"")


def test_submit_checkpoint_reverts_when_wrong_base(checking, honest):
    with reverts("WrongBase", word("stale"), GENESIS["modelRoot"]):
        checking.submit(replace(honest, base_root=word("stale")), b"")


@pytest.mark.parametrize(("count", "included", "bits"), [(0, 0, 0), (2, 0b1, 1), (1, 0b11, 2), (1, 0, 0)])
def test_submit_checkpoint_reverts_when_wrong_count(checking, honest, count, included, bits):
    with reverts("WrongCount", "included", count, bits):
        checking.submit(replace(honest, count=count, included=included), b"")


def test_submit_checkpoint_reverts_when_the_turn_is_no_seat(checking, honest):
    checking.reach(checking.ends_at("checkpoint") - 2)
    with reverts("WrongTurn", 4):
        checking.submit(replace(honest, turn=4), b"")


def test_submit_checkpoint_reverts_when_the_turn_has_not_begun(checking, honest):
    later = replace(honest, turn=1)
    bundle = checking.bundle(later)
    checking.next_at(checking.ends_at("reveal") + 59)
    with reverts("WrongTurn", 1):
        checking.submit(later, bundle)
    checking.next_at(checking.ends_at("reveal") + 60)
    checking.submit(later, bundle)


@pytest.mark.parametrize("seats", [(), (0, 3)])
def test_submit_checkpoint_reverts_when_no_quorum(checking, honest, seats):
    with reverts("NoQuorum", len(seats), 3):
        checking.submit(honest, checking.bundle(honest, seats))


def test_submit_checkpoint_reverts_when_a_seat_is_forged(checking, honest):
    digest = checking.domain(checking.beacon).checkpoint(honest)
    committee = checking.seats(1)
    signatures = {0: committee[0].sign(digest), 1: committee[1].sign(digest), 2: key_of("mallory").sign(0, digest)}
    with reverts("BadAttestation", 2, committee[2].id):
        checking.submit(honest, bundle_of(signatures))


@pytest.mark.parametrize("field", ["updates_root", "aggregate_root", "content_digest"])
def test_submit_checkpoint_reverts_when_altered_after_signing(checking, honest, field):
    bundle = checking.bundle(honest)
    with reverts("BadAttestation"):
        checking.submit(replace(honest, **{field: word("altered")}), bundle)


def test_submit_checkpoint_reverts_when_replayed_from_another_round(checking, honest):
    """Same committee or not: the digest names the round."""
    bundle = checking.bundle(honest)
    checking.reach(checking.ends_at("checkpoint"))
    checking.run_to_checkpoint_phase()
    with reverts("BadAttestation"):
        checking.submit(replace(honest, round=2), bundle)


def test_submit_checkpoint_records_who_attested(checking, honest):
    checking.relayer = checking.mallory
    digest = checking.domain(checking.beacon).checkpoint(honest)
    tx = checking.submit(honest, checking.bundle(honest, (0, 2, 3)))
    assert checking.beacon.checkpointDigest(as_tuple(honest)) == "0x" + digest.hex()
    assert checking.beacon.checkpointAt(1, 0).dict() == {
        "digest": "0x" + digest.hex(),
        "attested": 0b1101,
        "acceptedAt": tx.timestamp,
        "count": 2,
        "voided": False,
    }
    assert checking.beacon.roundAt(1)["checkpoints"] == 1
