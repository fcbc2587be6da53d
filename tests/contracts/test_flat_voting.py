"""FlatVoting, the baseline that the protocol is measured against.

vote        reverts: NotCurrentRound, WrongPhase, NotValidator (client, unknown, leaving), AlreadyVoted,
            BadSignature (forger, other round, other result)
            accepted with the vote that makes two thirds of all validators, not before · votes for another result do
            not count · late votes are taken and change nothing · in the next round everybody votes again
"""

import pytest
from brownie import FlatVoting, accounts

from tests.contracts.world import CHECKPOINT, COMMIT, VALIDATORS, key_of, reverts, word

ROOT, CONTENT = word("aggregate"), word("aggregate's content")
NOTHING = "0x" + "00" * 32
MODEL = {"model_root": ROOT, "content_digest": CONTENT, "checkpoints": bytes(32)}


@pytest.fixture
def voting(world):
    return accounts[0].deploy(FlatVoting, world.beacon, world.staking)


@pytest.fixture
def deciding(world):
    """The world when the round's updates are revealed."""
    world.run_to_checkpoint_phase()
    return world


def vote(world, voting, member, root=ROOT, signature=None, round_number=None):
    number = world.beacon.currentRound() if round_number is None else round_number
    message = world.domain(voting).publication(number, member.id, **MODEL | {"model_root": root})
    signed = member.sign(message) if signature is None else signature
    return voting.vote(number, member.id, root, CONTENT, signed, {"from": world.relayer})


def test_vote_reverts_when_not_current_round(deciding, voting):
    with reverts("NotCurrentRound", 2, 1):
        vote(deciding, voting, deciding.vera, round_number=2)


def test_vote_reverts_when_wrong_phase(world, voting):
    world.open()
    with reverts("WrongPhase", COMMIT, CHECKPOINT):
        vote(world, voting, world.vera)


def test_vote_reverts_when_not_validator(deciding, voting):
    with reverts("NotValidator", deciding.ada.id):
        vote(deciding, voting, deciding.ada)
    vera = deciding.vera
    leaving = vera.sign(deciding.domain(deciding.staking).exit(vera.id, 0))
    deciding.staking.requestExit(vera.id, leaving, {"from": deciding.relayer})
    with reverts("NotValidator", vera.id):
        vote(deciding, voting, vera)


def test_vote_reverts_when_already_voted(deciding, voting):
    """Or one validator would be two thirds."""
    vote(deciding, voting, deciding.vera)
    with reverts("AlreadyVoted", 1, deciding.vera.id):
        vote(deciding, voting, deciding.vera, root=word("another aggregate"))


def test_vote_reverts_when_bad_signature(deciding, voting):
    vera = deciding.vera
    message = deciding.domain(voting).publication(1, vera.id, **MODEL)
    with reverts("BadSignature", vera.id):
        vote(deciding, voting, vera, signature=key_of("mallory").sign(0, message))
    with reverts("BadSignature", vera.id):
        vote(deciding, voting, vera, root=word("another aggregate"), signature=vera.sign(message))


def test_vote_is_no_vote_in_another_round(deciding, voting):
    vera = deciding.vera
    replayed = vote(deciding, voting, vera).input
    signature = voting.decode_input(replayed)[1][4]
    deciding.reach(deciding.ends_at("publish"))
    deciding.run_to_checkpoint_phase()
    with reverts("BadSignature", vera.id):
        vote(deciding, voting, vera, signature=signature)
    vote(deciding, voting, vera)


def test_result_is_accepted_by_two_thirds_of_all_validators(deciding, voting):
    """By 4 of 5; 3 would be 60 %. The vote for something else is not one of them."""
    members = [deciding.members[name] for name in VALIDATORS]
    vote(deciding, voting, members[0], root=word("another aggregate"))
    for member in members[1:4]:
        assert "Accepted" not in vote(deciding, voting, member).events
    assert voting.acceptedIn(1) == NOTHING
    assert vote(deciding, voting, members[4]).events["Accepted"]["modelRoot"] == "0x" + ROOT.hex()


def test_late_votes_change_nothing(deciding, voting):
    members = [deciding.members[name] for name in VALIDATORS]
    accepted = [vote(deciding, voting, member).events for member in members]
    assert ["Accepted" in events for events in accepted] == [False, False, False, True, False]
