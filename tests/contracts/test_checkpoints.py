"""Beacon: checkpoints.

submitCheckpoint  reverts: NotCurrentRound, WrongPhase, NoSuchShard, AlreadyCheckpointed, WrongBase, WrongParameters,
                  WrongCount, WrongTurn, WrongModel (several shards, none with one), NoQuorum (also forged, replayed
                  from another round, altered) · any carrier · a bad signature loses its seat alone · one shard:
                  publishes
addAttestation    reverts: AlreadyAttested, NoSuchSeat, BadAttestation (another's, cut), KeyRetired, NoCheckpoint,
                  WrongState (final) · counts a seat that the bundle left out, under the key of then
"""

from dataclasses import replace

import pytest
from brownie import chain

from qfl.protocol.digests import parameters_hash, seat_digest
from tests.contracts.bank import rotate
from tests.contracts.world import (
    CHECKPOINT,
    GENESIS,
    IDLE,
    PUBLISHED,
    REVEAL,
    as_tuple,
    bundle_of,
    key_of,
    reverts,
    word,
)


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


def test_submit_checkpoint_reverts_when_the_rule_is_another_than_its_seats_read(checking, honest):
    """A reorganization may bring the owner's change of the rule before the opening: what was signed is void then."""
    other = parameters_hash(dict(checking.rounds, trimBps=2500))
    with reverts("WrongParameters", honest.parameters_hash):
        checking.submit(replace(honest, parameters_hash=other))


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
    forged = key_of("mallory").sign(0, seat_digest(digest, committee[2].id, 2))
    signatures = {0: committee[0].attest(digest, 0), 1: committee[1].attest(digest, 1), 2: forged}
    with reverts("NoQuorum", 2, 3):
        checking.submit(honest, bundle_of(signatures))


@pytest.mark.parametrize("field", ["updates_root", "aggregate_root", "content_digest"])
def test_submit_checkpoint_reverts_when_altered_after_signing(checking, honest, field):
    bundle = checking.bundle(honest)
    with reverts("NoQuorum", 0, 3):
        checking.submit(replace(honest, **{field: word("altered")}), bundle)


def test_submit_checkpoint_reverts_when_replayed_from_another_round(checking, honest):
    """Same committee or not: the digest names the round."""
    bundle = checking.bundle(honest)
    checking.reach(checking.ends_at("checkpoint"))
    checking.run_to_checkpoint_phase()
    with reverts("NoQuorum", 0, 3):
        checking.submit(replace(honest, round=2), bundle)


def test_a_bad_signature_loses_its_seat_and_not_the_bundle(checking, honest):
    """One seat replaces its key after it signed; whoever carries the bundle need not know."""
    digest, renewed = checking.domain(checking.beacon).checkpoint(honest), checking.seats(1)[1]
    bundle = checking.bundle(honest, (0, 1, 2, 3))
    rotate(checking, renewed, key_of("renewed"))
    checking.submit(honest, bundle)
    assert checking.beacon.checkpointAt(1, 0)["attested"] == 0b1101
    signature = renewed.attest(digest, 1)
    checking.beacon.addAttestation(1, 0, 1, 1, signature, {"from": checking.mallory})
    assert checking.beacon.checkpointAt(1, 0)["attested"] == 0b1111


# --- addAttestation ------------------------------------------------------------------------------------------------


@pytest.fixture
def left_out(checking, honest):
    """Seat 3 attested too, and the bundle does without it; this is its signature."""
    checking.submit(honest, checking.bundle(honest, (0, 1, 2)))
    return checking.seats(1)[3].attest(checking.domain(checking.beacon).checkpoint(honest), 3)


def test_add_attestation_counts_a_seat_that_the_bundle_left_out(checking, left_out):
    by, seat = {"from": checking.mallory}, checking.seats(1)[3]
    added = checking.beacon.addAttestation(1, 0, 3, 0, left_out, by)
    assert added.events["AttestationAdded"]["validator"] == seat.id
    assert checking.beacon.checkpointAt(1, 0)["attested"] == 0b1111
    with reverts("AlreadyAttested", 1, 0, 3):
        checking.beacon.addAttestation(1, 0, 3, 0, left_out, by)


def test_add_attestation_reverts_for_anything_but_the_seats_own(checking, honest, left_out):
    by, seated = {"from": checking.mallory}, checking.seats(1)
    with reverts("AlreadyAttested", 1, 0, 0):
        checking.beacon.addAttestation(1, 0, 0, 0, left_out, by)
    with reverts("NoSuchSeat", 4, 4):
        checking.beacon.addAttestation(1, 0, 4, 0, left_out, by)
    digest = checking.domain(checking.beacon).checkpoint(honest)
    wrong = (seated[0].attest(digest, 3), seated[3].attest(word("digest"), 3), seated[3].attest(digest, 2))
    for signature in (b"", left_out[:-1], seated[3].sign(digest), *wrong):
        with reverts("BadAttestation", 3, seated[3].id):
            checking.beacon.addAttestation(1, 0, 3, 0, signature, by)
    with reverts("NoCheckpoint", 2, 0):
        checking.beacon.addAttestation(2, 0, 3, 0, left_out, by)


def test_add_attestation_counts_a_seat_that_has_replaced_its_key_since(checking, left_out):
    """It attested in time, and nobody need keep an old key from being replaced to be paid."""
    rotate(checking, checking.seats(1)[3], key_of("renewed"))
    with reverts("BadAttestation", 3, checking.seats(1)[3].id):
        checking.beacon.addAttestation(1, 0, 3, 1, left_out, {"from": checking.mallory})
    checking.beacon.addAttestation(1, 0, 3, 0, left_out, {"from": checking.mallory})
    assert checking.beacon.checkpointAt(1, 0)["attested"] == 0b1111


def test_add_attestation_reverts_under_a_key_that_was_retired_before_the_reveals_ended(opened):
    """Who has found an old key can make nobody liable with it."""
    seat, old = opened.seats(1)[3], opened.seats(1)[3].secret
    rotate(opened, seat, key_of("renewed"))
    opened.reach(opened.ends_at("reveal"))
    checkpoint = opened.checkpoint((), count=1, included=1)
    opened.submit(checkpoint)
    digest = seat_digest(opened.domain(opened.beacon).checkpoint(checkpoint), seat.id, 3)
    with reverts("KeyRetired", seat.id, 0, opened.staking.keyRetiredAt(seat.id, 0)):
        opened.beacon.addAttestation(1, 0, 3, 0, old.sign(9, digest), {"from": opened.mallory})


def test_add_attestation_reverts_in_a_final_round(checking, left_out):
    checking.reach(chain[-1].timestamp + checking.rounds["challengeSeconds"])
    checking.beacon.settle(1, {"from": checking.relayer})
    with reverts("WrongState", 1, 3, 2):
        checking.beacon.addAttestation(1, 0, 3, 0, left_out, {"from": checking.mallory})


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
        "turn": 0,
        "voided": False,
    }
    assert checking.beacon.roundAt(1)["checkpoints"] == 1


# --- the model that the only shard's checkpoint carries ------------------------------------------------------------


def test_the_only_shards_checkpoint_is_the_publication(checking, honest):
    accepted = checking.submit(honest)
    event, published = accepted.events["ModelPublished"], checking.beacon.roundAt(1)
    assert (event["round"], event["publisher"]) == (1, 0)
    model = "0x" + word("model 1").hex(), "0x" + word("content 1").hex()
    for said in (event, published):
        assert (said["modelRoot"], said["contentDigest"]) == model
    assert (published["state"], published["publisher"], published["publishedAt"]) == (PUBLISHED, 0, accepted.timestamp)
    assert checking.beacon.headRound() == 1
    assert (checking.open(), checking.beacon.context()["baseRoot"]) == (2, "0x" + word("model 1").hex())


@pytest.mark.parametrize("missing", [("model_root",), ("model_digest",), ("model_root", "model_digest")])
def test_submit_checkpoint_reverts_when_the_only_shard_names_no_model(checking, honest, missing):
    with reverts("WrongModel", "model_root" not in missing):
        checking.submit(replace(honest, **dict.fromkeys(missing, bytes(32))), b"")


@pytest.mark.parametrize("given", [("model_root",), ("model_digest",), ("model_root", "model_digest")])
def test_submit_checkpoint_reverts_when_one_of_several_shards_names_a_model(two_shards, fn_isolation, given):
    world = two_shards.fresh()
    world.run_to_checkpoint_phase()
    with reverts("WrongModel", "model_root" in given):
        world.submit(world.checkpoint((), count=1, included=1, **dict.fromkeys(given, word("model"))), b"")
