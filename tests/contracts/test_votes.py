"""Rounds whose committees vote, with the real `Disputes`.

setParameters        reverts: BadParameters where turn or checkpoint phase leave no time for a vote (at deployment too)
submitCheckpoint     accepts what a list and keys show · reverts: NotPostedInTime for another shard, round, turn, chain
                     or contract, NoQuorum · what strangers post stops nothing
addAttestation       counts a seat whose key was not shown, or whose chain was replaced since · reverts: BadAttestation
                     (forged when the key was shown, another turn), KeyRetired (before the turn)
disputeEquivocation  slashes who voted twice in a turn, or voted and signed · never who attested one digest: nobody
                     makes another list of a key that was shown after its window
"""

from dataclasses import replace

import pytest
from brownie import chain

from qfl.protocol.digests import Domain
from qfl.protocol.votes import encode_votes, vote_of
from tests.contracts.voters import (
    SHOW_SECONDS,
    VOTE_SECONDS,
    build_voting,
    name_chain,
    poll_on,
    signed_bundle,
)
from tests.contracts.world import PUBLISHED, as_tuple, reverts, state, word

SEAT = 1
TURN_SECONDS = 60


@pytest.fixture(scope="module")
def deployed(module_isolation):
    return build_voting()


@pytest.fixture
def world(deployed, fn_isolation):
    """A round that waits for its checkpoint; leaf 0 of every validator's key named a chain."""
    world = deployed.fresh()
    for member in world.members.values():
        member.leaf = 1
    world.run_to_checkpoint_phase([world.ada, world.ben])
    return world


@pytest.fixture
def honest(world):
    """What the committee agrees on."""
    return world.checkpoint([world.ada, world.ben])


@pytest.fixture
def poll(world, honest):
    return poll_on(world, honest)


@pytest.fixture
def pair(honest):
    """Two checkpoints of one turn."""
    return honest, replace(honest, aggregate_root=word("another aggregate"))


def end_window(world, poll):
    world.reach(poll.turn[2] + VOTE_SECONDS)


def attested(world):
    return world.beacon.checkpointAt(1, 0)["attested"]


def show_late(world, seat, evidence, number=0):
    return world.beacon.addAttestation(1, 0, seat, number, evidence, {"from": world.mallory})


# --- decisions ---------------------------------------------------------------------------------------------------


def test_a_list_and_keys_decide(world, poll, honest):
    poll.post()
    end_window(world, poll)
    world.submit(honest, poll.bundle([0, 1, 3]))
    record = world.beacon.checkpointAt(1, 0)
    assert (record["attested"], record["turn"], record["digest"]) == (0b1011, 0, "0x" + poll.digest.hex())
    assert state(world.beacon, 1) == PUBLISHED


def test_the_second_turn_votes_on_its_own(world, honest):
    """And the first turn's list counts on in it."""
    second = poll_on(world, replace(honest, turn=1))
    first = poll_on(world, honest)
    first.post()
    world.reach(second.turn[2])
    second.post()
    end_window(world, second)
    snapshot = second.bundle([0, 1, 2])
    world.submit(replace(honest, turn=1), snapshot)
    assert world.beacon.checkpointAt(1, 0)["turn"] == 1
    assert first.is_attestation(0)


def test_the_first_turns_list_counts_in_the_second(world, poll, honest):
    poll.post()
    world.reach(poll.turn[2] + TURN_SECONDS + 1)
    world.submit(honest, poll.bundle([0, 1, 2]))
    assert attested(world) == 0b0111


def test_in_later_turns_seats_sign(world, honest):
    third = poll_on(world, replace(honest, turn=2))
    world.reach(third.turn[2])
    signatures = {seat: third.seats[seat].attest(third.digest, seat) for seat in range(3)}
    with reverts("NoVoteKey", 2):
        world.submit(replace(honest, turn=2), poll_on(world, honest).bundle([0, 1, 2]))
    world.submit(replace(honest, turn=2), signed_bundle(signatures))
    assert attested(world) == 0b0111


def test_submit_checkpoint_reverts_when_no_quorum(world, poll, honest):
    poll.post()
    with reverts("NoQuorum", 2, 3):
        world.submit(honest, poll.bundle([0, 1]))


def test_rounds_follow_one_another(world, poll, honest):
    poll.post()
    world.submit(honest, poll.bundle([0, 1, 2]))
    world.run_to_checkpoint_phase()
    following = world.checkpoint((), count=1, included=1)
    next_poll = poll_on(world, following)
    next_poll.post()
    world.submit(following, next_poll.bundle([0, 1, 2, 3]))
    assert world.beacon.checkpointAt(2, 0)["attested"] == 0b1111


def test_a_seat_that_asked_to_leave_since_has_its_vote(world, poll, honest):
    leaver = poll.seats[0]
    poll.post()
    digest = world.domain(world.staking).exit(leaver.id, 0)
    world.staking.requestExit(leaver.id, leaver.sign(digest), {"from": world.relayer})
    world.submit(honest, poll.bundle([0, 1, 2]))
    assert attested(world) == 0b0111


# --- what is replayed, forged or late ----------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["shard", "round", "turn", "chain", "contract"])
def test_votes_count_where_they_were_cast(world, poll, honest, what):
    """What was voted on elsewhere is another digest, so its list is another one."""
    here, beacon = world.domain(world.beacon), world.beacon.address
    elsewhere = {
        "shard": here.checkpoint(replace(honest, shard=1)),
        "round": here.checkpoint(replace(honest, round=2)),
        "turn": here.checkpoint(replace(honest, turn=1)),
        "chain": Domain(chain.id + 1, beacon).checkpoint(honest),
        "contract": Domain(chain.id, world.shard.address).checkpoint(honest),
    }
    other = poll.on(digest=elsewhere[what])
    other.post()
    end_window(world, poll)
    with reverts("NotPostedInTime"):
        world.submit(honest, poll.bundle([0, 1, 2]))
    with reverts("NoQuorum", 0, 3):
        world.submit(honest, encode_votes(other.votes(), {}))


def test_what_strangers_post_stops_nothing(world, poll, honest):
    """Whatever other lists there are, the seats' own list counts; and so do good votes in a bad one."""
    for seat in range(4):
        poll.post(poll.votes() | {seat: word("garbage")})
    end_window(world, poll)
    world.submit(honest, poll.bundle([0, 1, 2], poll.votes() | {3: word("garbage")}))
    assert attested(world) == 0b0111


def test_a_list_of_shown_keys_is_late(world, poll, pair):
    """When the window is over the keys are known to all; a list for another result is of no use any more."""
    poll.post()
    end_window(world, poll)
    lie = poll_on(world, pair[1])
    lie.post()
    with reverts("NotPostedInTime"):
        world.submit(pair[1], lie.bundle([0, 1, 2, 3]))
    world.submit(pair[0], poll.bundle([0, 1, 2]))
    with reverts("BadAttestation", 3, lie.seats[3].id):
        show_late(world, 3, lie.evidence(3))


def test_a_key_that_is_shown_early_speaks_in_its_turn_alone(world, poll, pair):
    """Who shows it within the window is forged once: assumed is that nobody does."""
    lie = poll_on(world, pair[1])
    lie.post(lie.votes([SEAT]) | {0: word("noise")})
    assert lie.verify(encode_votes(lie.votes([SEAT]) | {0: word("noise")}, lie.keys([SEAT]))) == 1 << SEAT
    second = poll_on(world, replace(pair[1], turn=1))
    votes = second.votes() | {SEAT: vote_of(second.digest, SEAT, lie.key(SEAT))}
    second.post(votes)
    assert second.verify(encode_votes(votes, second.keys([0, 2]) | {SEAT: lie.key(SEAT)})) == 0b101


def test_a_list_posted_a_moment_too_late_decides_nothing(world, poll, honest):
    world.next_at(poll.turn[2] + VOTE_SECONDS)
    poll.post()
    with reverts("NotPostedInTime"):
        world.submit(honest, poll.bundle([0, 1, 2]))


# --- late attestations -------------------------------------------------------------------------------------------


def test_a_seat_whose_key_was_not_shown_attests_later(world, poll, honest):
    """Also when its tip has moved on."""
    poll.post()
    world.submit(honest, poll.bundle([0, 1, 2]))
    later = poll.on(turn=(2, 0, chain[-1].timestamp), digest=word("of the next round"))
    later.post()
    later.show(later.bundle([0, 1, 2, 3]))
    show_late(world, 3, poll.evidence(3))
    assert attested(world) == 0b1111
    with reverts("AlreadyAttested", 1, 0, 3):
        show_late(world, 3, poll.evidence(3))


def test_a_seat_signs_later_what_others_voted_for(world, poll, honest):
    votes = poll.votes([0, 1, 2])
    poll.post(votes)
    world.submit(honest, poll.bundle([0, 1, 2], votes))
    show_late(world, 3, b"\x01" + poll.seats[3].attest(poll.digest, 3))
    assert attested(world) == 0b1111


def test_a_chain_replaced_between_list_and_checkpoint_attests_later(world, poll, honest):
    poll.post()
    name_chain(world, poll.seats[SEAT], number=1)
    world.submit(honest, poll.bundle([0, 1, 2, 3]))
    assert attested(world) == 0b1101
    with reverts("BadAttestation", SEAT, poll.seats[SEAT].id):
        show_late(world, SEAT, poll.evidence(SEAT), number=1)
    show_late(world, SEAT, poll.evidence(SEAT))
    assert attested(world) == 0b1111


def test_a_chain_replaced_before_the_turn_says_nothing_of_it(world, honest):
    seat, second = world.seats(1)[SEAT], replace(honest, turn=1)
    retired = name_chain(world, seat, number=1)
    poll = poll_on(world, second)
    world.reach(poll.turn[2])
    poll.post()
    world.submit(second, poll.bundle([0, 2, 3]))
    with reverts("KeyRetired", seat.id, 0, retired.timestamp):
        show_late(world, SEAT, poll.evidence(SEAT))


def test_a_chain_replaced_long_ago_says_nothing(world, poll, honest):
    seat, unbonding = poll.seats[SEAT], world.staking.unbondingSeconds()
    poll.post()
    world.submit(honest, poll.bundle([0, 2, 3]))
    retired = name_chain(world, seat, number=1)
    world.next_at(retired.timestamp + unbonding)
    with reverts("KeyRetired", seat.id, 0, retired.timestamp):
        show_late(world, SEAT, poll.evidence(SEAT))


def test_a_vote_of_another_turn_attests_nothing(world, poll, honest):
    """Not even with the same digest: the key would be another one."""
    second = poll.on(turn=(1, 1, poll.turn[2]))
    second.post()
    poll.post(poll.votes([0, 1, 2]))
    world.submit(honest, poll.bundle([0, 1, 2], poll.votes([0, 1, 2])))
    with reverts("BadAttestation", 3, poll.seats[3].id):
        show_late(world, 3, second.evidence(3))


# --- equivocation ------------------------------------------------------------------------------------------------


def prove(world, pair, evidence):
    (one, other), (first, second) = pair, evidence
    arguments = as_tuple(one), as_tuple(other), SEAT, 0, first, 0, second
    return world.contracts.disputes.disputeEquivocation(*arguments, {"from": world.challenger})


def stake_of(world, member):
    return world.staking.participant(member.id)["stakeWei"]


def test_who_voted_twice_in_a_turn_is_slashed(world, poll, pair):
    polls = [poll_on(world, checkpoint) for checkpoint in pair]
    for one in polls:
        one.post()
    before = stake_of(world, poll.seats[SEAT])
    prove(world, pair, [one.evidence(SEAT) for one in polls])
    assert stake_of(world, poll.seats[SEAT]) == before // 2


def test_who_voted_for_one_and_signed_another_is_slashed(world, poll, pair):
    other = poll_on(world, pair[1])
    poll.post()
    signature = b"\x01" + poll.seats[SEAT].attest(other.digest, SEAT)
    before = stake_of(world, poll.seats[SEAT])
    prove(world, pair, [poll.evidence(SEAT), signature])
    assert stake_of(world, poll.seats[SEAT]) == before // 2


def test_who_voted_and_signed_the_same_did_nothing_wrong(world, poll, pair):
    poll.post()
    signature = b"\x01" + poll.seats[SEAT].attest(poll.digest, SEAT)
    with reverts("NotEquivocation"):
        prove(world, (pair[0], pair[0]), [poll.evidence(SEAT), signature])


def test_who_voted_once_is_never_convicted(world, poll, pair):
    """Not with its key, nor with lists that were posted late, in time for a turn that never began, or never."""
    poll.post()
    end_window(world, poll)
    world.submit(pair[0], poll.bundle([0, 1, 2, 3]))
    lie, seat = poll_on(world, pair[1]), poll.seats[SEAT].id
    lie.post()
    unposted = lie.votes([SEAT])
    for evidence in (lie.evidence(SEAT), lie.evidence(SEAT, unposted), poll.evidence(SEAT)):
        with reverts("BadAttestation", SEAT, seat):
            prove(world, pair, [poll.evidence(SEAT), evidence])
    seconds, later = [replace(checkpoint, turn=1) for checkpoint in pair], (1, 1, poll.turn[2] + TURN_SECONDS)
    never = [poll.on(digest=world.domain(world.beacon).checkpoint(checkpoint), turn=later) for checkpoint in seconds]
    for one in never:  # with the very keys of that turn: those of the next round will show them
        one.post()
    with reverts("WrongTurn", 1):
        prove(world, seconds, [one.evidence(SEAT) for one in never])


# --- parameters --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["turnSeconds", "checkpointSeconds"])
def test_parameters_leave_time_for_a_vote(world, name):
    least = VOTE_SECONDS + SHOW_SECONDS
    assert world.contracts.quorum.leastTurnSeconds() == least
    too_short = world.rounds | {name: least - 1}
    with reverts("BadParameters", name, least - 1):
        world.beacon.setParameters(list(too_short.values()), {"from": world.owner})
    world.beacon.setParameters(list((world.rounds | {name: least}).values()), {"from": world.owner})


def test_a_deployment_whose_turns_leave_no_time_for_a_vote_is_refused(world):
    with reverts("BadParameters", "turnSeconds", 49):
        build_voting(turnSeconds=49)
