"""Beacon: publication and finality.

publish           reverts: UnexpectedScores, NotCurrentRound, WrongPhase, NotValidator (client, leaving, slashed),
                  NotYourSlot, BadSignature (altered, of other checkpoints or in another order), second publication,
                  one shard
settle            reverts: WrongState, StillChallengeable (boundary), BaseNotFinal · final for good
"""

import pytest
from brownie import chain

from qfl.protocol.digests import checkpoints_hash
from tests.contracts.world import CHECKPOINT, FINAL, IDLE, NONE, OPEN, PUBLISH, PUBLISHED, reverts, state, word

# --- publish ---------------------------------------------------------------------------------------------------


def test_publish_reverts_when_not_current_round(publishing):
    with reverts("NotCurrentRound", 2, 1):
        publishing.publish(round=2)


def test_publish_reverts_when_there_is_one_shard(checking):
    """While its checkpoint is missing, and then: that was the publication."""
    with reverts("WrongPhase", CHECKPOINT, PUBLISH):
        checking.publish(checking.vera)
    checking.submit(checking.checkpoint([checking.ada, checking.ben]))
    with reverts("WrongPhase", IDLE, PUBLISH):
        checking.publish(checking.vera)


def test_publish_reverts_when_late(publishing):
    publisher = publishing.publisher
    publishing.next_at(publishing.ends_at("publish"))
    with reverts("WrongPhase", IDLE, PUBLISH):
        publishing.publish(publisher)


def test_publish_reverts_when_already_published(publishing):
    publishing.publish()
    with reverts("WrongPhase", IDLE, PUBLISH):
        publishing.publish(publishing.vito)


def test_publish_reverts_when_not_a_validator(publishing):
    with reverts("NotValidator", publishing.ada.id):
        publishing.publish(publishing.ada)


def test_publish_reverts_when_the_validator_is_leaving(publishing, by):
    leaving = publishing.publisher
    signature = leaving.sign(publishing.domain(publishing.staking).exit(leaving.id, 0))
    publishing.staking.requestExit(leaving.id, signature, by)
    with reverts("NotValidator", leaving.id):
        publishing.publish()


def test_publish_reverts_when_the_validator_was_slashed_below_the_minimum(publishing, disputes, by):
    slashed = publishing.publisher
    disputes.slash(publishing.staking, [slashed.id], publishing.challenger, by)
    with reverts("NotValidator", slashed.id):
        publishing.publish()


def test_publish_reverts_in_anothers_slot(publishing):
    """So who copies a pending publication, and signs it as its own, is refused, and the next seat has its turn."""
    seats = [member for shard in (0, 1) for member in publishing.seats(1, shard)]
    spare = next(m for m in publishing.members.values() if m.name.startswith("v") and m not in seats)
    for other in (*seats[1:], spare):
        with reverts("NotYourSlot", other.id, seats[0].id):
            publishing.publish(other)
    publishing.next_at(publishing.draw.publisherOf(1)[1])
    with reverts("NotYourSlot", seats[0].id, seats[1].id):
        publishing.publish(seats[0])
    assert publishing.publish(seats[1]).events["ModelPublished"]["publisher"] == seats[1].id


def test_publish_reverts_when_scores_are_named(publishing):
    with reverts("UnexpectedScores", word("scores")):
        publishing.publish(scores=word("scores"))


@pytest.mark.parametrize("changed", ["root", "content"])
def test_publish_reverts_when_altered_by_its_carrier(publishing, changed):
    with reverts("BadSignature", publishing.publisher.id):
        publishing.publish(**{changed: word("altered")})
    assert (state(publishing.beacon, 1), publishing.beacon.headRound()) == (OPEN, 0)


def test_publish_reverts_when_the_leaf_was_spent(publishing, by):
    publisher, staking = publishing.publisher, publishing.staking
    publisher.leaf = 20
    digest = publishing.domain(staking).withdrawal(publisher.id, publishing.owner.address, 0)
    staking.changeWithdrawal(publisher.id, publishing.owner, publisher.sign(digest), by)
    publisher.leaf = 20
    with reverts("LeafReused", publisher.id, 20, 21):
        publishing.publish()


def test_publish_makes_the_model_the_head(publishing):
    publisher = publishing.publisher
    assert publishing.beacon.roundAt(1)["publishedAt"] == 0
    tx = publishing.publish()
    published = publishing.beacon.roundAt(1)
    assert (published["state"], published["publisher"]) == (PUBLISHED, publisher.id)
    assert (published["modelRoot"], published["publishedAt"]) == ("0x" + word("model 1").hex(), tx.timestamp)
    assert (publishing.beacon.headRound(), publishing.beacon.finalRound()) == (1, 0)


def accept(world, shard):
    """Have a shard's checkpoint accepted, and return its digest."""
    checkpoint = world.checkpoint((), shard=shard, count=1, included=1)
    world.submit(checkpoint)
    return world.domain(world.beacon).checkpoint(checkpoint)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_publication_names_the_accepted_checkpoints_in_their_order(two_shards, fn_isolation, order):
    """What was signed for other checkpoints does not count: of one shard, before the other was accepted, or of both, in
    another order, before a reorganization."""
    world = two_shards.fresh()
    world.run_to_checkpoint_phase()
    assert bytes(world.beacon.roundAt(1)["checkpointsHash"]) == checkpoints_hash([])
    digests = []
    for shard in order:
        digests.append(accept(world, shard))
        assert bytes(world.beacon.roundAt(1)["checkpointsHash"]) == checkpoints_hash(digests)
    for others in ([], digests[:1], digests[1:], digests[::-1], digests * 2):
        with reverts("BadSignature", world.publisher.id):
            world.publish(checkpoints=checkpoints_hash(others))
    world.publish(checkpoints=checkpoints_hash(digests))
    assert state(world.beacon, 1) == PUBLISHED


def test_one_shards_checkpoint_leaves_no_hash(world, beacon):
    world.run_to_publication()
    assert bytes(beacon.roundAt(1)["checkpointsHash"]) == bytes(32)


# --- settle ----------------------------------------------------------------------------------------------------


def test_settle_reverts_when_not_published(world, beacon, by):
    world.open()
    for number, found in ((0, FINAL), (1, OPEN), (2, NONE)):
        with reverts("WrongState", number, found, PUBLISHED):
            beacon.settle(number, by)


def test_settle_reverts_in_the_last_second_of_the_challenge_window(world, beacon, by):
    world.run_to_publication()
    final_at = beacon.roundAt(1)["publishedAt"] + 600
    world.next_at(final_at - 1)
    with reverts("StillChallengeable", 1, final_at):
        beacon.settle(1, by)
    world.next_at(final_at)
    beacon.settle(1, by)
    assert (state(beacon, 1), beacon.finalRound()) == (FINAL, 1)


def test_settle_reverts_when_base_not_final(world, beacon, by):
    world.run_to_publication()
    world.run_to_publication()
    world.reach(chain[-1].timestamp + 600)
    with reverts("BaseNotFinal", 2, 1):
        beacon.settle(2, by)
    beacon.settle(1, by)
    beacon.settle(2, by)
    assert beacon.finalRound() == 2
