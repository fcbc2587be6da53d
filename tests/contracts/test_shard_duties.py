"""Shard: proposals, attestations, and what a client should do.

propose     reverts: NotCurrentRound, WrongPhase, WrongShard, NoSuchSeat, TurnNotBegun · announced
attest      reverts: NotCurrentRound, WrongPhase, NoSuchSeat · announced
clientDuty  NotActive, Wait, Commit, Reveal, Done, Missed
"""

import pytest

from tests.contracts.world import CHECKPOINT, COMMIT, IDLE, as_tuple, reverts, word

NOT_ACTIVE, WAIT, TO_COMMIT, TO_REVEAL, DONE, MISSED = range(6)


# --- propose, attest -------------------------------------------------------------------------------------------


@pytest.fixture
def checking(world):
    """The world in the checkpoint phase of a round with one update."""
    world.run_to_checkpoint_phase([world.ada])
    return world


def test_propose_reverts_when_not_current_round(checking, shard, by):
    with reverts("NotCurrentRound", 2, 1):
        shard.propose(as_tuple(checking.checkpoint([checking.ada], round=2)), b"", by)


def test_propose_reverts_when_wrong_phase(checking, shard, by):
    proposal = as_tuple(checking.checkpoint([checking.ada]))
    checking.submit(checking.checkpoint([checking.ada]))
    with reverts("WrongPhase", IDLE, CHECKPOINT):
        shard.propose(proposal, b"", by)


def test_propose_reverts_when_wrong_shard(checking, shard, by):
    with reverts("WrongShard", 1, 0):
        shard.propose(as_tuple(checking.checkpoint([checking.ada], shard=1)), b"", by)


def test_propose_reverts_when_no_such_seat(checking, shard, by):
    with reverts("NoSuchSeat", 4, 4):
        shard.propose(as_tuple(checking.checkpoint([checking.ada], turn=4)), b"", by)


def test_propose_reverts_when_turn_not_begun(checking, shard, by):
    begins_at = checking.ends_at("reveal") + 2 * checking.rounds["turnSeconds"]
    checking.next_at(begins_at - 1)
    with reverts("TurnNotBegun", 2, begins_at):
        shard.propose(as_tuple(checking.checkpoint([checking.ada], turn=2)), b"", by)


def test_propose_announces_once_the_turn_begins(checking, shard, by):
    checking.next_at(checking.ends_at("reveal") + 2 * checking.rounds["turnSeconds"])
    proposal = as_tuple(checking.checkpoint([checking.ada], turn=2))
    event = shard.propose(proposal, b"signature", by).events["Proposed"]
    assert (event["round"], event["turn"]) == (1, 2)
    assert event["checkpoint"][7] == "0x" + word("aggregate").hex()
    assert event["signature"] == "0x" + b"signature".hex()


def test_attest_reverts_when_not_current_round(checking, shard, by):
    with reverts("NotCurrentRound", 2, 1):
        shard.attest(2, 0, 0, word("digest"), b"", by)


def test_attest_reverts_when_wrong_phase(opened, shard, by):
    with reverts("WrongPhase", COMMIT, CHECKPOINT):
        shard.attest(1, 0, 0, word("digest"), b"", by)


@pytest.mark.parametrize(("turn", "seat"), [(4, 0), (0, 4)])
def test_attest_reverts_when_no_such_seat(checking, shard, by, turn, seat):
    with reverts("NoSuchSeat", 4, 4):
        shard.attest(1, turn, seat, word("digest"), b"", by)


def test_attest_announces(checking, shard, by):
    event = shard.attest(1, 1, 3, word("digest"), b"signature", by).events["Attested"]
    assert (event["round"], event["turn"], event["seat"]) == (1, 1, 3)
    assert (event["digest"], event["signature"]) == ("0x" + word("digest").hex(), "0x" + b"signature".hex())


# --- clientDuty ------------------------------------------------------------------------------------------------


def test_client_duty_of_who_is_no_client(opened, shard):
    assert shard.clientDuty(99)[0] == NOT_ACTIVE
    assert shard.clientDuty(opened.vera.id)[0] == NOT_ACTIVE


def test_client_duty_before_the_first_round_is_to_wait(world, shard):
    assert tuple(shard.clientDuty(world.ada.id)) == (WAIT, 0, 0)


def test_client_duty_follows_the_round(opened, shard):
    ada, ben = opened.ada, opened.ben
    commit_ends, reveal_ends = opened.ends_at("commit"), opened.ends_at("reveal")
    assert tuple(shard.clientDuty(ada.id)) == (TO_COMMIT, 1, commit_ends)
    opened.commit(ada)
    opened.commit(opened.cleo)
    assert tuple(shard.clientDuty(ada.id)) == (WAIT, 1, commit_ends)
    opened.reach(commit_ends)
    assert tuple(shard.clientDuty(ada.id)) == (TO_REVEAL, 1, reveal_ends)
    assert tuple(shard.clientDuty(ben.id)) == (MISSED, 1, reveal_ends)
    opened.reveal(ada)
    assert tuple(shard.clientDuty(ada.id)) == (DONE, 1, reveal_ends)
    opened.reach(reveal_ends)
    assert tuple(shard.clientDuty(opened.cleo.id)) == (MISSED, 1, opened.ends_at("checkpoint"))
    opened.reach(opened.ends_at("checkpoint"))
    assert tuple(shard.clientDuty(ben.id)) == (WAIT, 1, 0)
