"""Disputes about a published model: two shards of two seats; and one shard, whose checkpoint carries the model.

disputeModel       reverts: NoSuchCoordinate, NotPublished (open, final, void, none), WrongCount, WrongCheckpoint
                   (order, twice, other round), NotAccepted, NotOpened (base, model, aggregates), ModelIsRight
                   voids · slashes the publisher only · rolls back what builds on it · a shard that is missing
sumAggregates      reverts: as disputeModel for round, coordinate, checkpoints and aggregates · any parts, by anybody
disputeModelContent  reverts: NotPublished, WrongCount, NotOpened, ContentIsRight · a digest of something else · lanes
                   behind the last one
one shard          a false model, a digest of something else, lanes in the padding: voids · slashes who attested ·
                   sumAggregates · what it is judged by is the model before it, also when both fell
"""

from dataclasses import replace

import numpy as np
import pytest

from tests.contracts.dispute_testnet import MODEL, Vector, seconds_now, set_up_disputes
from tests.contracts.world import FAILED, FINAL, OPEN, PUBLISHED, VOID, as_tuple, reverts, word

LAST = 32


@pytest.fixture(scope="module")
def deployed(module_isolation):
    return set_up_disputes(shards=2, seats=2, trimBps=1000)


@pytest.fixture
def court(deployed, fn_isolation):
    return deployed.fresh()


@pytest.fixture
def attested(court):
    """Both shards' checkpoints, of 3 and of 2 updates, in a round that waits for its model."""
    court.run_to_checkpoint_phase()
    return [court.attest(court.updates(3), 0), court.attest(court.updates(2), 1)]


def publish(court, attested, coordinate=None, **changed):
    """Publish the right model, or one that is off by one at `coordinate`. Returns the right one and that."""
    right = court.next_model(court.genesis, attested)
    false = right if coordinate is None else right.with_lane(coordinate, right.lanes[coordinate] ^ 1)
    court.publish_model(false, court.genesis, **changed)
    return right, false


def chunk_proof(court, attested, coordinate, model, base=None):
    openings = [a.aggregate.opening(coordinate) for a in attested]
    vectors = (base or court.genesis).opening(coordinate), model.opening(coordinate)
    return attested[0].checkpoint.round, coordinate, checkpoints_of(attested), openings, *vectors


def checkpoints_of(attested):
    return [as_tuple(a.checkpoint) for a in attested]


def state(court, number=1):
    return court.beacon.roundAt(number)["state"]


def assert_convicted(court, call, *arguments):
    before, publisher = court.books(), court.beacon.roundAt(1)["publisher"]
    tx = call(*arguments, court.by())
    court.assert_punished(tx, before, MODEL, 0, [publisher])
    assert (state(court), court.beacon.headRound()) == (VOID, 0)
    with reverts("NotPublished", 1):
        call(*arguments, court.by())


@pytest.mark.parametrize("coordinate", [0, 7, 8, 19, 20, 31, 32])
def test_a_false_lane_is_proven_wherever_it_is(court, attested, coordinate):
    _, false = publish(court, attested, coordinate)
    assert_convicted(court, court.disputes.disputeModel, *chunk_proof(court, attested, coordinate, false))


def test_models_on_a_false_one_fall_with_it_and_their_publishers_keep_their_stake(court, attested):
    _, false = publish(court, attested, LAST)
    court.run_to_checkpoint_phase()
    court.attest(court.updates(1), 0)
    court.attest(court.updates(1), 1)
    court.publish()
    court.open()
    assert_convicted(court, court.disputes.disputeModel, *chunk_proof(court, attested, LAST, false))
    assert [state(court, number) for number in (1, 2, 3)] == [VOID, VOID, FAILED]
    court.open()
    assert (state(court, 4), court.beacon.roundAt(4)["baseRound"]) == (OPEN, 0)


def test_the_second_model_is_judged_by_the_first(court, attested):
    first, _ = publish(court, attested)
    court.run_to_checkpoint_phase()
    second = [court.attest(court.updates(1), 0), court.attest(court.updates(2), 1)]
    right = court.next_model(first, second)
    false = right.with_lane(0, int(right.lanes[0]) ^ 1)
    publisher = court.publish_model(false, first)
    with reverts("NotOpened", "base", 0):
        court.disputes.disputeModel(*chunk_proof(court, second, 0, false), court.by())
    before = court.books()
    tx = court.disputes.disputeModel(*chunk_proof(court, second, 0, false, base=first), court.by())
    court.assert_punished(tx, before, MODEL, 0, [publisher.id])
    assert (state(court, 1), state(court, 2), court.beacon.headRound()) == (PUBLISHED, VOID, 1)


def test_a_publisher_on_its_way_out_is_slashed(court, attested):
    _, false = publish(court, attested, LAST)
    publisher = court.members[court.name_of(court.beacon.roundAt(1)["publisher"])]
    digest = court.domain(court.staking).exit(publisher.id, 0)
    court.staking.requestExit(publisher.id, publisher.sign(digest), court.by())
    assert_convicted(court, court.disputes.disputeModel, *chunk_proof(court, attested, LAST, false))


def test_a_round_without_one_shard_is_judged_by_the_other(court):
    court.run_to_checkpoint_phase()
    attested = [court.attest(court.updates(3), 1)]
    court.reach(court.ends_at("checkpoint"))
    right, false = publish(court, attested, LAST)
    with reverts("ModelIsRight", 0, right.lanes[0]):
        court.disputes.disputeModel(*chunk_proof(court, attested, 0, false), court.by())
    assert_convicted(court, court.disputes.disputeModel, *chunk_proof(court, attested, LAST, false))


# --- what proves nothing ---------------------------------------------------------------------------------------


def test_an_honest_model_cannot_be_disputed(court, attested):
    right, _ = publish(court, attested)
    before = court.books()
    for coordinate, value in enumerate(right.lanes):
        with reverts("ModelIsRight", coordinate, value):
            court.disputes.disputeModel.call(*chunk_proof(court, attested, coordinate, right), court.by())
    with reverts("ContentIsRight"):
        court.disputes.disputeModelContent(1, right.chunks, court.by())
    assert court.books() == before
    assert state(court) == PUBLISHED


def test_dispute_reverts_when_no_model_is_published(court, attested):
    right = court.next_model(court.genesis, attested)
    for number in (0, 1, 2, 2**64 - 1):
        with reverts("NotPublished", number):
            court.disputes.disputeModel(number, *chunk_proof(court, attested, 0, right)[1:], court.by())
        with reverts("NotPublished", number):
            court.disputes.disputeModelContent(number, right.chunks, court.by())


def test_dispute_reverts_when_the_model_is_final(court, attested):
    _, false = publish(court, attested, LAST)
    court.reach(seconds_now() + court.rounds["challengeSeconds"])
    court.beacon.settle(1, court.by())
    assert state(court) == FINAL
    with reverts("NotPublished", 1):
        court.disputes.disputeModel(*chunk_proof(court, attested, LAST, false), court.by())


@pytest.mark.parametrize("coordinate", [33, 40, 2**32 - 1])
def test_dispute_reverts_when_the_coordinate_is_padding_or_beyond(court, attested, coordinate):
    _, false = publish(court, attested, LAST)
    proof = list(chunk_proof(court, attested, LAST, false))
    proof[1] = coordinate
    with reverts("NoSuchCoordinate", coordinate, 33):
        court.disputes.disputeModel(*proof, court.by())


def test_dispute_reverts_when_checkpoints_are_not_all_the_accepted_ones(court, attested):
    _, false = publish(court, attested, LAST)
    one, other = attested
    altered = replace(one, checkpoint=replace(one.checkpoint, count=200))
    of_another_round = replace(one, checkpoint=replace(one.checkpoint, round=2))
    cases = [
        ([], "WrongCount", ("checkpoints", 0, 2)),
        ([one], "WrongCount", ("checkpoints", 1, 2)),
        ([one, other, other], "WrongCheckpoint", (2,)),
        ([other, one], "WrongCheckpoint", (1,)),
        ([one, one], "WrongCheckpoint", (1,)),
        ([of_another_round, other], "WrongCheckpoint", (0,)),
        ([altered, other], "NotAccepted", (1, 0)),
    ]
    for given, error, values in cases:
        structs, openings = checkpoints_of(given), [a.aggregate.opening(LAST) for a in given]
        vectors = court.genesis.opening(LAST), false.opening(LAST)
        with reverts(error, *values):
            court.disputes.disputeModel(1, LAST, structs, openings, *vectors, court.by())


def test_dispute_reverts_when_openings_are_not_of_the_round(court, attested):
    right, false = publish(court, attested, LAST)
    number, _, checkpoints, openings, base, model = chunk_proof(court, attested, LAST, false)

    def dispute(*vectors):
        court.disputes.disputeModel(number, LAST, checkpoints, *vectors, court.by())

    for other in ([], openings[:1], [*openings, openings[0]]):
        with reverts("WrongCount", "aggregates", len(other), 2):
            dispute(other, base, model)
    for other in (openings[0], (model[0], *openings[1][1:]), (openings[1][0], word("salt"), openings[1][2])):
        with reverts("NotOpened", "aggregates", 1):
            dispute([openings[0], other], base, model)
    for other in (court.genesis.opening(0), model):
        with reverts("NotOpened", "base", 0):
            dispute(openings, other, model)
    for other in (right.opening(LAST), false.opening(0), base):
        with reverts("NotOpened", "model", 0):
            dispute(openings, base, other)


# --- a proof in parts ------------------------------------------------------------------------------------------


def part_of(attested, coordinate):
    return 1, coordinate, checkpoints_of(attested), [a.aggregate.opening(coordinate) for a in attested]


@pytest.mark.parametrize("is_whole", [False, True])
@pytest.mark.parametrize("order", [(0,), (1,), (0, 1), (1, 0, 1)])
def test_a_proof_may_be_brought_in_parts_by_anybody(court, attested, order, is_whole):
    """In any order, some more than once; the rest convicts, and so does a proof of all."""
    _, false = publish(court, attested, LAST)
    for i in order:
        court.disputes.sumAggregates(*part_of([attested[i]], LAST), {"from": court.mallory})
    rest = [a for i, a in enumerate(attested) if is_whole or i not in order]
    with reverts("ModelIsRight"):
        court.disputes.disputeModel.call(*chunk_proof(court, attested, 0, false), court.by())
    vectors = court.genesis.opening(LAST), false.opening(LAST)
    assert_convicted(court, court.disputes.disputeModel, *part_of(rest, LAST), *vectors)


def test_parts_of_another_coordinate_do_not_count(court, attested):
    _, false = publish(court, attested, LAST)
    court.disputes.sumAggregates(*part_of(attested[:1], 0), court.by())
    with reverts("WrongCount", "checkpoints", 1, 2):
        proof = *part_of(attested[1:], LAST), court.genesis.opening(LAST), false.opening(LAST)
        court.disputes.disputeModel(*proof, court.by())


def test_a_part_is_taken_only_of_a_model_that_stands(court, attested):
    part = part_of(attested[:1], LAST)
    with reverts("NotPublished", 1):
        court.disputes.sumAggregates(*part, court.by())
    _, false = publish(court, attested, LAST)
    number, coordinate, checkpoints, openings = part
    with reverts("NoSuchCoordinate", 33, 33):
        court.disputes.sumAggregates(number, 33, checkpoints, openings, court.by())
    with reverts("NotOpened", "aggregates", 0):
        court.disputes.sumAggregates(number, 0, checkpoints, openings, court.by())
    with reverts("WrongCheckpoint", 1):
        court.disputes.sumAggregates(number, coordinate, checkpoints * 2, openings * 2, court.by())
    altered = replace(attested[0], checkpoint=replace(attested[0].checkpoint, count=200))
    with reverts("NotAccepted", 1, 0):
        court.disputes.sumAggregates(*part_of([altered], LAST), court.by())
    court.disputes.disputeModel(*chunk_proof(court, attested, LAST, false), court.by())
    with reverts("NotPublished", 1):
        court.disputes.sumAggregates(*part, court.by())


# --- content of a model ----------------------------------------------------------------------------------------


def test_a_digest_of_something_else_is_proven(court, attested):
    """A publisher that alone has "its" model cannot hold the network to ransom."""
    right, _ = publish(court, attested, content=word("garbage"))
    assert_convicted(court, court.disputes.disputeModelContent, 1, right.chunks)


def test_lanes_in_the_padding_are_proven(court, attested):
    right = court.next_model(court.genesis, attested)
    padded = Vector(np.append(right.lanes, np.int32(1)), 32)
    publish(court, attested, root=padded.root)
    assert_convicted(court, court.disputes.disputeModelContent, 1, padded.chunks)


def test_content_dispute_reverts_when_chunks_are_not_the_model(court, attested):
    right, _ = publish(court, attested, content=word("garbage"))
    for other in ([], right.chunks[:-1], [*right.chunks, bytes(32)]):
        with reverts("WrongCount", "chunks", len(other), 5):
            court.disputes.disputeModelContent(1, other, court.by())
    with reverts("NotOpened", "chunks", 0):
        court.disputes.disputeModelContent(1, court.genesis.chunks, court.by())


# --- the model that the only shard's checkpoint carries ----------------------------------------------------------


@pytest.fixture(scope="module")
def deployed_alone(module_isolation):
    return set_up_disputes(trimBps=1000)


@pytest.fixture
def alone(deployed_alone, fn_isolation):
    """One shard of four seats."""
    return deployed_alone.fresh()


def carry(court, coordinate=None, **changed):
    """A checkpoint with the right model, or one that is off by one at `coordinate`; and that model."""
    court.run_to_checkpoint_phase()
    right = court.draft(court.updates(3)).model
    model = right if coordinate is None else right.with_lane(coordinate, int(right.lanes[coordinate]) ^ 1)
    return court.attest(court.updates(3), **{"model_root": model.root} | changed), model


def assert_attesters_convicted(court, attested, call, *arguments):
    before, guilty = court.books(), court.attesters(attested.checkpoint)
    number = attested.checkpoint.round
    tx = call(*arguments, court.by())
    court.assert_punished(tx, before, MODEL, 0, guilty)
    assert len(guilty) == 3
    assert court.beacon.checkpointAt(number, 0)["voided"]
    assert (state(court, number), court.beacon.headRound()) == (VOID, number - 1)
    with reverts("NotPublished", number):
        call(*arguments, court.by())


@pytest.mark.parametrize("coordinate", [0, 19, 20, LAST])
def test_who_attested_a_false_model_is_convicted(alone, coordinate):
    attested, false = carry(alone, coordinate)
    other = (coordinate + 1) % 33
    with reverts("ModelIsRight", other, attested.model.lanes[other]):
        alone.disputes.disputeModel(*chunk_proof(alone, [attested], other, false), alone.by())
    proof = chunk_proof(alone, [attested], coordinate, false)
    assert_attesters_convicted(alone, attested, alone.disputes.disputeModel, *proof)


def test_who_attested_a_false_model_is_convicted_also_when_it_fell_with_its_base(alone):
    """Else a committee could have its lie covered by an accomplice's one, in the round before."""
    one, first = carry(alone, LAST)
    alone.models[first.root] = first
    other, second = carry(alone, 0)
    alone.disputes.disputeModel(*chunk_proof(alone, [one], LAST, first), alone.by())
    assert (state(alone, 1), state(alone, 2), alone.beacon.headRound()) == (VOID, VOID, 0)
    alone.open()
    before, guilty = alone.books(), alone.attesters(other.checkpoint)
    proof = chunk_proof(alone, [other], 0, second, base=first)
    alone.assert_punished(alone.disputes.disputeModel(*proof, alone.by()), before, MODEL, 0, guilty)
    assert (state(alone, 3), alone.beacon.headRound()) == (OPEN, 0)
    with reverts("NotPublished", 2):
        alone.disputes.disputeModel(*proof, alone.by())


def test_a_carried_model_is_judged_by_the_one_before_it(alone):
    first, _ = carry(alone)
    attested, false = carry(alone, LAST)
    with reverts("NotOpened", "base", 0):
        alone.disputes.disputeModel(*chunk_proof(alone, [attested], LAST, false), alone.by())
    proof = chunk_proof(alone, [attested], LAST, false, base=first.model)
    assert_attesters_convicted(alone, attested, alone.disputes.disputeModel, *proof)
    assert state(alone, 1) == PUBLISHED


def test_models_on_a_false_carried_one_fall_and_their_attesters_keep_their_stake(alone):
    attested, false = carry(alone, LAST)
    alone.models[false.root] = false
    carry(alone)
    alone.open()
    proof = chunk_proof(alone, [attested], LAST, false)
    assert_attesters_convicted(alone, attested, alone.disputes.disputeModel, *proof)
    assert [state(alone, number) for number in (1, 2, 3)] == [VOID, VOID, FAILED]
    assert not alone.beacon.checkpointAt(2, 0)["voided"]


def test_a_proof_of_a_carried_model_may_be_brought_in_parts(alone):
    attested, false = carry(alone, LAST)
    alone.disputes.sumAggregates(*part_of([attested], LAST), {"from": alone.mallory})
    proof = *part_of([], LAST), alone.genesis.opening(LAST), false.opening(LAST)
    assert_attesters_convicted(alone, attested, alone.disputes.disputeModel, *proof)


def test_an_honest_carried_model_cannot_be_disputed(alone):
    attested, right = carry(alone)
    before = alone.books()
    for coordinate, value in enumerate(right.lanes):
        with reverts("ModelIsRight", coordinate, value):
            alone.disputes.disputeModel.call(*chunk_proof(alone, [attested], coordinate, right), alone.by())
    with reverts("ContentIsRight"):
        alone.disputes.disputeModelContent(1, right.chunks, alone.by())
    assert (alone.books(), state(alone)) == (before, PUBLISHED)


def test_who_attested_a_carried_digest_of_something_else_is_convicted(alone):
    attested, right = carry(alone, model_digest=word("garbage"))
    assert_attesters_convicted(alone, attested, alone.disputes.disputeModelContent, 1, right.chunks)


def test_who_attested_lanes_in_the_padding_of_a_carried_model_is_convicted(alone):
    alone.run_to_checkpoint_phase()
    padded = Vector(np.append(alone.draft(alone.updates(3)).model.lanes, np.int32(1)), 32)
    attested = alone.attest(alone.updates(3), model_root=padded.root)
    assert_attesters_convicted(alone, attested, alone.disputes.disputeModelContent, 1, padded.chunks)


def test_a_carried_model_is_not_disputed_once_it_is_final(alone):
    attested, false = carry(alone, LAST)
    alone.reach(seconds_now() + alone.rounds["challengeSeconds"])
    alone.beacon.settle(1, alone.by())
    with reverts("NotPublished", 1):
        alone.disputes.disputeModel(*chunk_proof(alone, [attested], LAST, false), alone.by())
