"""Beacon: publication and finality.

publish           reverts: UnexpectedScores, NotCurrentRound, WrongPhase, NotValidator (client, leaving, slashed),
                  BadSignature, second publication · early when all shards are in · late without some
settle            reverts: WrongState, StillChallengeable (boundary), BaseNotFinal · final for good
"""

import pytest
from brownie import chain

from tests.contracts.world import CHECKPOINT, FINAL, IDLE, NONE, OPEN, PUBLISH, PUBLISHED, reverts, state, word

# --- publish ---------------------------------------------------------------------------------------------------


def test_publish_reverts_when_not_current_round(publishing):
    with reverts("NotCurrentRound", 2, 1):
        publishing.publish(publishing.vera, round=2)


def test_publish_reverts_when_a_checkpoint_is_missing_and_may_still_come(checking):
    with reverts("WrongPhase", CHECKPOINT, PUBLISH):
        checking.publish(checking.vera)


def test_publish_reverts_when_late(publishing):
    publishing.next_at(publishing.ends_at("publish"))
    with reverts("WrongPhase", IDLE, PUBLISH):
        publishing.publish(publishing.vera)


def test_publish_reverts_when_already_published(publishing):
    publishing.publish(publishing.vera)
    with reverts("WrongPhase", IDLE, PUBLISH):
        publishing.publish(publishing.vito)


def test_publish_reverts_when_not_a_validator(publishing):
    with reverts("NotValidator", publishing.ada.id):
        publishing.publish(publishing.ada)


def test_publish_reverts_when_the_validator_is_leaving(publishing, by):
    vera = publishing.vera
    signature = vera.sign(publishing.domain(publishing.staking).exit(vera.id, 0))
    publishing.staking.requestExit(vera.id, signature, by)
    with reverts("NotValidator", vera.id):
        publishing.publish(vera)


def test_publish_reverts_when_the_validator_was_slashed_below_the_minimum(publishing, disputes, by):
    disputes.slash(publishing.staking, [publishing.vera.id], publishing.challenger, by)
    with reverts("NotValidator", publishing.vera.id):
        publishing.publish(publishing.vera)


def test_publish_reverts_when_scores_are_named(publishing):
    with reverts("UnexpectedScores", word("scores")):
        publishing.publish(publishing.vera, scores=word("scores"))


@pytest.mark.parametrize("changed", ["root", "content"])
def test_publish_reverts_when_altered_by_its_carrier(publishing, changed):
    with reverts("BadSignature", publishing.vera.id):
        publishing.publish(publishing.vera, **{changed: word("altered")})
    assert (state(publishing.beacon, 1), publishing.beacon.headRound()) == (OPEN, 0)


def test_publish_reverts_when_the_leaf_was_spent(publishing, by):
    vera, staking = publishing.vera, publishing.staking
    vera.leaf = 20
    digest = publishing.domain(staking).withdrawal(vera.id, publishing.owner.address, 0)
    staking.changeWithdrawal(vera.id, publishing.owner, vera.sign(digest), by)
    vera.leaf = 20
    with reverts("LeafReused", vera.id, 20, 21):
        publishing.publish(vera)


def test_publish_makes_the_model_the_head(publishing):
    tx = publishing.publish(publishing.vera)
    published = publishing.beacon.roundAt(1)
    assert (published["state"], published["publisher"]) == (PUBLISHED, publishing.vera.id)
    assert (published["modelRoot"], published["publishedAt"]) == ("0x" + word("model 1").hex(), tx.timestamp)
    assert (publishing.beacon.headRound(), publishing.beacon.finalRound()) == (1, 0)


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
