"""Disputes about a shard's aggregate.

disputeAggregate       reverts: NoCheckpoint (none, voided), NotAccepted, NoSuchCoordinate, WrongCount, NotOpened
                       (updates, openings, aggregate), WrongOrder, AggregateIsRight, WrongState (final)
                       voids · slashes who attested, and nobody else · fails the open round, rolls the published one
                       back · salted leaves · lanes of 4 and 8 bits · a failed round's attesters too · a leaving seat
openLanes              reverts: as disputeAggregate for checkpoint, coordinate, updates and openings · any parts, by
                       anybody, in any order
disputeAggregateContent  reverts: NoCheckpoint, NotAccepted, WrongCount, NotOpened, ContentIsRight · a content digest
                       of something else · lanes behind the last one
"""

from dataclasses import replace

import numpy as np
import pytest

from qfl.protocol.types import ModelShape
from tests.contracts.dispute_testnet import AGGREGATE, Vector, seconds_now, set_up_disputes
from tests.contracts.world import FAILED, FINAL, PUBLISHED, VOID, reverts, word

LIE = 2**31 - 1


@pytest.fixture(scope="module")
def deployed(module_isolation):
    return set_up_disputes(trimBps=2000)


@pytest.fixture
def court(deployed, fn_isolation):
    return deployed.fresh()


@pytest.fixture(scope="module")
def deployed_in_two(module_isolation):
    return set_up_disputes(trimBps=2000, shards=2)


@pytest.fixture
def court_of_two(deployed_in_two, fn_isolation):
    """Two shards: a checkpoint publishes nothing."""
    return deployed_in_two.fresh()


@pytest.fixture(scope="module")
def deployed_privately(module_isolation):
    return set_up_disputes(trimBps=2000, is_private=True)


@pytest.fixture
def private_court(deployed_privately, fn_isolation):
    return deployed_privately.fresh()


def lie_about(court, coordinate=32, *, count=5, seed=None):
    """A round whose aggregate is wrong at `coordinate`, and the vector that was attested instead."""
    updates = court.updates(count, seed=seed)
    false = court.aggregate_of(updates).with_lane(coordinate, LIE)
    return court.run_to_attestation(updates, aggregate_root=false.root), false


def state(court, number=1):
    return court.beacon.roundAt(number)["state"]


def assert_convicted(court, attested, call, *arguments):
    before, guilty = court.books(), court.attesters(attested.checkpoint)
    tx = call(*arguments, court.by())
    court.assert_punished(tx, before, AGGREGATE, attested.checkpoint.shard, guilty)
    assert len(guilty) == 3
    assert court.beacon.checkpointAt(attested.checkpoint.round, 0)["voided"]
    with reverts("NoCheckpoint", attested.checkpoint.round, 0):
        call(*arguments, court.by())


@pytest.mark.parametrize("bits", [4, 8])
def test_narrow_lanes_are_opened_as_such(fn_isolation, bits):
    """The last lane: of the second chunk of bytes, and in the middle of the only chunk of nibbles."""
    court = set_up_disputes(trimBps=2000, laneBits=bits)
    attested, false = lie_about(court)
    assert {len(update.vector.chunks) for update in attested.updates} == {1 + bits // 8}
    with reverts("AggregateIsRight", 31, attested.aggregate.lanes[31]):
        court.disputes.disputeAggregate.call(*attested.chunk_proof(31, false), court.by())
    assert_convicted(court, attested, court.disputes.disputeAggregate, *attested.chunk_proof(32, false))


@pytest.mark.parametrize("coordinate", [0, 7, 8, 15, 16, 19, 20, 31, 32])
def test_a_false_lane_is_proven_wherever_it_is(court, coordinate):
    """First and last of chunks of 8 and of 16 lanes, the last angle, the first weight, the last lane."""
    attested, false = lie_about(court, coordinate)
    proof = attested.chunk_proof(coordinate, false)
    assert_convicted(court, attested, court.disputes.disputeAggregate, *proof)
    assert (state(court), court.beacon.headRound()) == (VOID, 0)


def test_the_round_fails_where_nothing_is_published_yet(court_of_two):
    attested, false = lie_about(court_of_two)
    proof = attested.chunk_proof(32, false)
    assert_convicted(court_of_two, attested, court_of_two.disputes.disputeAggregate, *proof)
    assert state(court_of_two) == FAILED


def test_the_round_repeats_without_the_guilty(court):
    attested, false = lie_about(court)
    guilty = court.attesters(attested.checkpoint)
    court.disputes.disputeAggregate(*attested.chunk_proof(32, false), court.by())
    again = court.run_to_attestation(attested.updates)
    assert again.checkpoint.base_root == attested.checkpoint.base_root
    assert not set(guilty) & set(court.beacon.committee(2, 0))
    assert state(court, 2) == PUBLISHED


def test_a_published_model_and_those_on_it_roll_back(court):
    attested, false = lie_about(court)
    court.run_to_publication()
    assert court.beacon.headRound() == 2
    assert_convicted(court, attested, court.disputes.disputeAggregate, *attested.chunk_proof(32, false))
    assert (state(court, 1), state(court, 2), court.beacon.headRound()) == (VOID, VOID, 0)


@pytest.mark.parametrize("seed", [None, bytes(32)], ids=["seeds", "zeros"])
def test_the_salted_leaves_of_a_private_round_open_alone(private_court, seed):
    attested, false = lie_about(private_court, seed=seed)
    call = private_court.disputes.disputeAggregate
    assert_convicted(private_court, attested, call, *attested.chunk_proof(32, false))


def test_attesters_are_guilty_after_the_round_failed_for_another_reason(court_of_two):
    court = court_of_two
    attested, false = lie_about(court)
    court.reach(court.ends_at("publish"))
    court.open()
    assert (state(court, 1), state(court, 2)) == (FAILED, 1)
    assert_convicted(court, attested, court.disputes.disputeAggregate, *attested.chunk_proof(32, false))
    assert (state(court, 1), state(court, 2)) == (FAILED, 1)


def test_a_pending_exit_is_slashed(court):
    attested, false = lie_about(court)
    leaver = court.seats(1)[0]
    digest = court.domain(court.staking).exit(leaver.id, 0)
    court.staking.requestExit(leaver.id, leaver.sign(digest), court.by())
    assert_convicted(court, attested, court.disputes.disputeAggregate, *attested.chunk_proof(32, false))


def test_who_has_left_shields_nobody(court):
    attested, false = lie_about(court)
    leaver = court.seats(1)[0]
    digest = court.domain(court.staking).exit(leaver.id, 0)
    court.staking.requestExit(leaver.id, leaver.sign(digest), court.by())
    court.reach(court.staking.participant(leaver.id)["exitableAt"])
    court.staking.withdraw(leaver.id, court.by())
    assert_convicted(court, attested, court.disputes.disputeAggregate, *attested.chunk_proof(32, false))


# --- what proves nothing ---------------------------------------------------------------------------------------


def test_an_honest_aggregate_cannot_be_disputed(court):
    attested = court.run_to_attestation(court.updates(5))
    before = court.books()
    for coordinate, mean in enumerate(attested.aggregate.lanes):
        with reverts("AggregateIsRight", coordinate, mean):
            court.disputes.disputeAggregate.call(*attested.chunk_proof(coordinate), court.by())
    with reverts("ContentIsRight"):
        court.disputes.disputeAggregateContent(*attested.content_proof(), court.by())
    assert court.books() == before
    assert not court.beacon.checkpointAt(1, 0)["voided"]


def test_a_right_lane_of_a_false_aggregate_is_right(court):
    attested, false = lie_about(court, 32)
    with reverts("AggregateIsRight", 31, attested.aggregate.lanes[31]):
        court.disputes.disputeAggregate(*attested.chunk_proof(31, false), court.by())


def test_dispute_reverts_when_there_is_no_checkpoint(court):
    court.run_to_checkpoint_phase()
    updates = court.updates(1)
    proof = court.attest(updates).chunk_proof(0)
    for number, shard in ((2, 0), (1, 1), (0, 0), (2**64 - 1, 0)):
        other = (number, shard, *proof[0][2:])
        with reverts("NoCheckpoint", number, shard):
            court.disputes.disputeAggregate(other, *proof[1:], court.by())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("turn", 1), ("count", 4), ("included", 1)),
        *(
            (name, word("other"))
            for name in ("base_root", "updates_root", "aggregate_root", "content_digest", "model_root")
        ),
    ],
)
def test_dispute_reverts_when_the_checkpoint_is_another(court, name, value):
    attested, false = lie_about(court)
    other = replace(attested, checkpoint=replace(attested.checkpoint, **{name: value}))
    with reverts("NotAccepted", 1, 0):
        court.disputes.disputeAggregate(*other.chunk_proof(32, false), court.by())
    with reverts("NotAccepted", 1, 0):
        court.disputes.disputeAggregateContent(*other.content_proof(false), court.by())


def test_dispute_reverts_when_the_round_is_final(court):
    attested, false = lie_about(court)
    court.reach(seconds_now() + court.rounds["challengeSeconds"])
    court.beacon.settle(1, court.by())
    with reverts("WrongState", 1, FINAL, PUBLISHED):
        court.disputes.disputeAggregate(*attested.chunk_proof(32, false), court.by())


@pytest.mark.parametrize("coordinate", [33, 39, 40, 47, 48, 2**32 - 1])
def test_dispute_reverts_when_the_coordinate_is_padding_or_beyond(court, coordinate):
    attested, false = lie_about(court)
    proof = list(attested.chunk_proof(32, false))
    proof[1] = coordinate
    with reverts("NoSuchCoordinate", coordinate, 33):
        court.disputes.disputeAggregate(*proof, court.by())


def test_dispute_reverts_when_updates_are_not_the_included_ones(court):
    attested, false = lie_about(court)
    checkpoint, coordinate, updates, first, openings, *rest = attested.chunk_proof(32, false)
    for other in ([], updates[:-1], [*updates, updates[0]]):
        with reverts("WrongCount", "updates", len(other), 5):
            court.disputes.disputeAggregate(checkpoint, coordinate, other, first, openings, *rest, court.by())
    swapped = [updates[1], updates[0], *updates[2:]]
    twice = [updates[0], updates[0], *updates[2:]]
    of_another = [(999, *updates[0][1:]), *updates[1:]]
    for other in (swapped, twice, of_another):
        with reverts("NotOpened", "updates", 0):
            court.disputes.disputeAggregate(checkpoint, coordinate, other, first, openings, *rest, court.by())


def test_dispute_reverts_when_openings_are_not_of_the_updates(private_court):
    court = private_court
    attested, false = lie_about(court)
    checkpoint, coordinate, updates, first, openings, *rest = attested.chunk_proof(32, false)

    def with_opening(opening):
        return [*openings[:2], opening, *openings[3:]]

    data, salt, path = openings[2]
    forged = [
        openings[1],
        attested.updates[2].vector.opening(0),
        (bytes(32), salt, path),
        (data, bytes(32), path),
        (data, word("salt"), path),
        (data, salt, path[:-1]),
        (data, salt, [*path, bytes(32)]),
        (data, salt, []),
    ]
    for opening in forged:
        forged_proof = checkpoint, coordinate, updates, first, with_opening(opening)
        with reverts("NotOpened", "openings", 2):
            court.disputes.disputeAggregate(*forged_proof, *rest, court.by())
        with reverts("NotOpened", "openings", 2):
            court.disputes.openLanes(*forged_proof, court.by())
    for beyond in ((0, [*openings, openings[0]]), (1, openings)):
        with reverts("WrongCount", "openings", 6, 5):
            court.disputes.disputeAggregate(checkpoint, coordinate, updates, *beyond, *rest, court.by())
        with reverts("WrongCount", "openings", 6, 5):
            court.disputes.openLanes(checkpoint, coordinate, updates, *beyond, court.by())


def test_dispute_reverts_when_the_aggregate_is_not_the_attested_one(court):
    attested, false = lie_about(court)
    proof = attested.chunk_proof(32, false)
    data, _, path = false.opening(32)
    for opening in (
        attested.aggregate.opening(32),
        false.opening(0),
        (data, word("salt"), path),
        (data, bytes(32), []),
    ):
        with reverts("NotOpened", "aggregate", 0):
            court.disputes.disputeAggregate(*proof[:-2], opening, proof[-1], court.by())


def test_dispute_reverts_when_the_order_is_not_by_rising_lane(court):
    attested, false = lie_about(court)
    *proof, order = attested.chunk_proof(32, false)
    for other, index in ((order[::-1], 1), (order[:1] * 5, 1), (order[:4] + bytes([5]), 4)):
        with reverts("WrongOrder", index):
            court.disputes.disputeAggregate(*proof, other, court.by())
    for other in (b"", order[:-1], order + bytes([0])):
        with reverts("WrongCount", "order", len(other), 5):
            court.disputes.disputeAggregate(*proof, other, court.by())


# --- a proof in parts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["court", "private_court"])
def test_a_proof_may_be_brought_in_parts_by_anybody(request, where):
    """Parts that meet within a word of lanes and on its edge, one of them twice, by two people; the rest convicts."""
    court = request.getfixturevalue(where)
    attested, false = lie_about(court, count=40)
    for first, end in ((0, 7), (30, 40), (5, 16), (0, 7)):
        court.disputes.openLanes(*attested.part_of_proof(32, first, end), {"from": court.mallory})
    with reverts("NotOpened", "openings", 16):
        court.disputes.disputeAggregate(*attested.rest_of_proof(32, 17, 30, false), court.by())
    with reverts("NotOpened", "openings", 29):
        court.disputes.disputeAggregate(*attested.rest_of_proof(32, 16, 29, false), court.by())
    rest = attested.rest_of_proof(32, 16, 30, false)
    assert_convicted(court, attested, court.disputes.disputeAggregate, *rest)


def test_who_brings_a_part_first_spoils_no_proof_of_all(court):
    attested, false = lie_about(court, count=20)
    court.disputes.openLanes(*attested.part_of_proof(32, 3, 18), {"from": court.mallory})
    assert_convicted(court, attested, court.disputes.disputeAggregate, *attested.chunk_proof(32, false))


def test_parts_convict_nobody_of_a_right_lane(court):
    attested, false = lie_about(court, count=20)
    for coordinate in (31, 32):
        court.disputes.openLanes(*attested.part_of_proof(coordinate, 0, 12), court.by())
    with reverts("AggregateIsRight", 31, attested.aggregate.lanes[31]):
        court.disputes.disputeAggregate(*attested.rest_of_proof(31, 12, 20, false), court.by())
    with reverts("NotOpened", "openings", 0):
        court.disputes.disputeAggregate(*attested.rest_of_proof(30, 12, 20, false), court.by())


def test_a_part_is_taken_only_of_what_stands(court):
    attested, false = lie_about(court)
    checkpoint, coordinate, updates, *openings = attested.part_of_proof(32, 0, 2)
    with reverts("NoSuchCoordinate", 33, 33):
        court.disputes.openLanes(checkpoint, 33, updates, *openings, court.by())
    with reverts("NotOpened", "updates", 0):
        court.disputes.openLanes(checkpoint, coordinate, updates[::-1], *openings, court.by())
    other = replace(attested, checkpoint=replace(attested.checkpoint, count=4))
    with reverts("NotAccepted", 1, 0):
        court.disputes.openLanes(*other.part_of_proof(32, 0, 2), court.by())
    court.disputes.disputeAggregate(*attested.chunk_proof(32, false), court.by())
    with reverts("NoCheckpoint", 1, 0):
        court.disputes.openLanes(*attested.part_of_proof(32, 0, 2), court.by())


def test_salted_updates_of_an_honest_aggregate_open_and_convict_nobody(private_court):
    attested = private_court.run_to_attestation(private_court.updates(5))
    with reverts("AggregateIsRight", 32, attested.aggregate.lanes[32]):
        private_court.disputes.disputeAggregate(*attested.chunk_proof(32), private_court.by())
    with reverts("ContentIsRight"):
        private_court.disputes.disputeAggregateContent(*attested.content_proof(), private_court.by())


def test_updates_without_salts_open_in_no_private_court(private_court):
    """Zeros as salts and seeds, which open them in a transparent one, are salts and seeds like any other here."""
    bare = [replace(update, vector=replace(update.vector, seed=b"")) for update in private_court.updates(2)]
    false = private_court.aggregate_of(bare).with_lane(32, LIE)
    attested = private_court.run_to_attestation(bare, aggregate_root=false.root)
    with reverts("NotOpened", "openings", 0):
        private_court.disputes.disputeAggregate(*attested.chunk_proof(32, false), private_court.by())


def test_salts_open_nothing_in_a_transparent_court(court):
    updates = [replace(update, vector=replace(update.vector, seed=word("seed"))) for update in court.updates(2)]
    false = court.aggregate_of(updates).with_lane(32, LIE)
    attested = court.run_to_attestation(updates, aggregate_root=false.root)
    with reverts("NotOpened", "openings", 0):
        court.disputes.disputeAggregate(*attested.chunk_proof(32, false), court.by())


# --- content of an aggregate -----------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["court", "private_court"])
def test_a_digest_of_something_else_is_proven(request, where):
    """The roots are right, and nobody could find the bytes that were attested."""
    court = request.getfixturevalue(where)
    attested = court.run_to_attestation(court.updates(5), content_digest=word("garbage"))
    assert_convicted(court, attested, court.disputes.disputeAggregateContent, *attested.content_proof())


def test_lanes_in_the_padding_are_proven(court):
    """The same lanes, and something behind the last one that no coordinate can be disputed for."""
    updates = court.updates(3)
    lanes = court.aggregate_of(updates).lanes
    false = Vector(np.append(lanes, np.int32(1)), 32)
    attested = court.run_to_attestation(updates, aggregate_root=false.root)
    for coordinate, mean in enumerate(lanes):
        with reverts("AggregateIsRight", coordinate, mean):
            court.disputes.disputeAggregate.call(*attested.chunk_proof(coordinate, false), court.by())
    assert_convicted(court, attested, court.disputes.disputeAggregateContent, *attested.content_proof(false))


def test_an_aggregate_without_padding_has_none_to_dispute(fn_isolation):
    court = set_up_disputes(ModelShape(20, 12))
    attested = court.run_to_attestation(court.updates(2))
    with reverts("ContentIsRight"):
        court.disputes.disputeAggregateContent(*attested.content_proof(), court.by())


def test_content_dispute_reverts_when_chunks_are_not_the_aggregate(court):
    attested = court.run_to_attestation(court.updates(2), content_digest=word("garbage"))
    checkpoint, chunks = attested.content_proof()
    for other in ([], chunks[:-1], [*chunks, bytes(32)]):
        with reverts("WrongCount", "chunks", len(other), 5):
            court.disputes.disputeAggregateContent(checkpoint, other, court.by())
    for other in ([*chunks[:-1], bytes(32)], chunks[::-1]):
        with reverts("NotOpened", "chunks", 0):
            court.disputes.disputeAggregateContent(checkpoint, other, court.by())
