"""Beacon: parameters, rounds, views.

setParameters     reverts: OwnableUnauthorizedAccount, BadParameters for each field · used by the next round only
openRound         reverts: RoundInProgress, TooFewValidators, TooManyUnsettled · anyone · after a failed, published or
                  voided round · committee as drawn · deadlines · a round nobody completed is Failed
views             context, client, committee, placeOf, validatorDuty, roundAt
"""

import pytest
from brownie import Beacon, chain
from eth_abi import encode
from eth_utils import keccak

from qfl.chain.parameters import load_parameters
from scripts.deploy import NOBODY, in_order
from tests.contracts.world import (
    CHECKPOINT,
    COMMIT,
    FAILED,
    FINAL,
    GENESIS,
    IDLE,
    NONE,
    OPEN,
    PUBLISH,
    PUBLISHED,
    REVEAL,
    as_struct,
    bundle_of,
    request,
    reverts,
    state,
    word,
)

NOT_ACTIVE, WAIT, OPEN_ROUND, VERIFY, TO_PUBLISH = range(5)


# --- parameters ------------------------------------------------------------------------------------------------


def test_set_parameters_reverts_when_not_the_owner(world, beacon):
    with reverts("OwnableUnauthorizedAccount", world.mallory):
        beacon.setParameters(list(world.rounds.values()), {"from": world.mallory})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((f"{phase}Seconds", 0) for phase in ("commit", "reveal", "turn", "checkpoint", "publish", "challenge")),
        ("publishSeconds", 59),
        ("shards", 0),
        ("seats", 0),
        ("seats", 65),
        ("laneBits", 32),
        ("quantumExponent", 29),
        ("classicalExponent", 29),
        ("trimBps", 5001),
        ("normBound", 0),
        # 300 + 120 + 300 + 120 seconds before the challenge window, 86,400 of unbonding.
        ("challengeSeconds", 86_400 - 840),
    ],
)
def test_set_parameters_reverts_when_bad_parameters(world, beacon, name, value):
    with reverts("BadParameters", name, value):
        beacon.setParameters(list((world.rounds | {name: value}).values()), {"from": world.owner})


def test_constructor_reverts_when_unbonding_is_too_short_for_a_round(world):
    parameters = load_parameters(challengeSeconds=86_400)
    with reverts("BadParameters", "challengeSeconds", 86_400):
        world.owner.deploy(
            Beacon,
            *(world.staking, world.contracts.quorum),
            in_order(Beacon, 2, GENESIS),
            in_order(Beacon, 3, parameters.rounds),
            *(world.draw, NOBODY, world.owner),
        )


def test_set_parameters_leaves_the_open_round_alone(world, beacon):
    world.open()
    ends_at = world.ends_at("commit")
    beacon.setParameters(list((world.rounds | {"seats": 1, "commitSeconds": 10}).values()), {"from": world.owner})
    assert (world.ends_at("commit"), beacon.context()["seats"]) == (ends_at, 4)
    world.reach(world.ends_at("checkpoint"))
    world.open()
    assert (beacon.roundAt(2)["parametersVersion"], beacon.context()["seats"]) == (2, 1)
    assert beacon.parametersAt(2)["commitSeconds"] == 10


# --- openRound -------------------------------------------------------------------------------------------------


def test_open_round_reverts_when_round_in_progress(world, beacon, by):
    world.open()
    for phase in ("commit", "reveal", "checkpoint"):
        world.next_at(world.ends_at(phase) - 1)
        with reverts("RoundInProgress", 1, world.ends_at(phase)):
            beacon.openRound(by)


def test_open_round_reverts_when_too_few_validators(world, beacon, by):
    for member in (world.vera, world.vito):
        signature = member.sign(world.domain(world.staking).exit(member.id, 0))
        world.staking.requestExit(member.id, signature, by)
    with reverts("TooFewValidators", 3, 4):
        beacon.openRound(by)


def test_open_round_reverts_when_too_many_unsettled(beacon, by):
    """The counter in the slot behind the owner's is set to 32: publishing that many models would take a while."""
    chain_slot = "0x" + (32 << 208 | 1 << 192).to_bytes(32).hex()
    request("anvil_setStorageAt", beacon.address, "0x1", chain_slot)
    with reverts("TooManyUnsettled", 0, 1):
        beacon.openRound(by)
    assert beacon.parametersVersion() == 1


def test_open_round_draws_its_committee_from_the_seed(world, beacon, by):
    tx = beacon.openRound(by)
    event = tx.events["RoundOpened"]
    randomness = int(chain[tx.block_number]["mixHash"].hex(), 16)
    seed = keccak(encode(["uint256", "uint64"], [randomness, 1]))
    assert event["seed"] == "0x" + seed.hex()
    drawn = list(tx.events["SeatsDrawn"]["validators"])
    assert drawn == list(world.draw.sample(seed, 4)) == list(beacon.committee(1, 0))


def test_open_round_sets_deadlines_and_builds_on_the_head(world, beacon, by):
    tx = beacon.openRound({"from": world.mallory})
    opened = beacon.roundAt(1)
    assert opened["commitEndsAt"] == tx.timestamp + 300
    assert opened["revealEndsAt"] == tx.timestamp + 420
    assert opened["checkpointEndsAt"] == tx.timestamp + 720
    assert opened["publishEndsAt"] == tx.timestamp + 960
    assert (opened["state"], opened["baseRound"], beacon.currentRound()) == (OPEN, 0, 1)


def test_open_round_writes_off_a_round_without_checkpoints(world, beacon, by):
    world.open()
    world.reach(world.ends_at("checkpoint"))
    assert state(beacon, 1) == FAILED
    assert beacon.openRound(by).events["RoundFailed"]["round"] == 1
    assert (beacon.roundAt(2)["baseRound"], state(beacon, 1)) == (0, FAILED)


def test_open_round_writes_off_a_round_without_publication(publishing, by):
    publishing.next_at(publishing.ends_at("publish"))
    assert publishing.beacon.openRound(by).events["RoundFailed"]["round"] == 1


def test_open_round_follows_a_publication_at_once(world, beacon):
    world.run_to_publication()
    assert world.open() == 2
    assert (beacon.roundAt(2)["baseRound"], beacon.context()["baseRoot"]) == (1, "0x" + word("model 1").hex())


# --- views -----------------------------------------------------------------------------------------------------


def test_round_0_is_the_genesis_model(beacon):
    genesis = beacon.roundAt(0)
    assert (genesis["state"], genesis["modelRoot"]) == (FINAL, "0x" + GENESIS["modelRoot"].hex())
    assert (beacon.quantumLength(), beacon.classicalLength()) == (6, 3)
    assert beacon.architectureDigest() == "0x" + GENESIS["architectureDigest"].hex()


def test_context_follows_the_round(world, beacon):
    assert beacon.context()["phase"] == IDLE
    world.open()
    for phase, ends_at in ((COMMIT, "commit"), (REVEAL, "reveal"), (CHECKPOINT, "checkpoint")):
        context = beacon.context()
        assert (context["round"], context["phase"], context["phaseEndsAt"]) == (1, phase, world.ends_at(ends_at))
        if phase == CHECKPOINT:
            world.submit(world.checkpoint((), count=1, included=1))
        else:
            world.reach(world.ends_at(ends_at))
    assert (beacon.context()["phase"], beacon.context()["phaseEndsAt"]) == (IDLE, 0)


def test_client_says_who_may_commit_with_which_key(world, beacon):
    world.open()
    active, shard, drawn, key = beacon.client(world.ada.id)
    assert (active, shard, drawn, tuple(key)) == (True, 0, True, as_struct(world.ada.secret))
    assert not beacon.client(world.vera.id)[0]


def test_committee_reverts_when_no_such_shard(world, beacon):
    world.open()
    with reverts("NoSuchShard", 1, 1):
        beacon.committee(1, 1)


def test_place_of_reverts_when_there_is_no_such_round(beacon, world):
    with reverts("WrongState", 7, NONE, OPEN):
        beacon.placeOf(7, world.ada.id)


def test_validator_duty_follows_the_round(world, beacon):
    assert world.draw.validatorDuty(world.ada.id)[0] == NOT_ACTIVE
    assert world.draw.validatorDuty(world.vera.id)[0] == OPEN_ROUND
    world.open()
    seats = world.seats(1)
    (spare,) = [m for m in world.members.values() if m.name.startswith("v") and m not in seats]
    assert tuple(world.draw.validatorDuty(seats[3].id)) == (WAIT, 1, 0, 0, world.ends_at("commit"))
    world.reach(world.ends_at("reveal"))
    assert tuple(world.draw.validatorDuty(seats[3].id)) == (VERIFY, 1, 0, 3, world.ends_at("checkpoint"))
    assert tuple(world.draw.validatorDuty(spare.id)) == (WAIT, 1, 0, 0, world.ends_at("checkpoint"))
    world.submit(world.checkpoint((), count=1, included=1))
    assert tuple(world.draw.validatorDuty(spare.id)) == (OPEN_ROUND, 1, 0, 0, 0)


# --- more than one shard ---------------------------------------------------------------------------------------


@pytest.fixture
def halves(two_shards, fn_isolation):
    """Two shards in the checkpoint phase, shard 1 checkpointed."""
    world = two_shards.fresh()
    world.run_to_checkpoint_phase()
    world.submit(world.checkpoint((), shard=1, count=1, included=1))
    return world


def test_committees_of_a_round_share_no_validator(halves):
    seated = [m.name for shard in (0, 1) for m in halves.seats(1, shard)]
    assert len(set(seated)) == 4


def test_a_shard_is_checkpointed_by_its_own_committee_once(halves):
    checkpoint = halves.checkpoint((), shard=0, count=1, included=1)
    digest = halves.domain(halves.beacon).checkpoint(checkpoint)
    others = {seat: member.attest(digest, seat) for seat, member in enumerate(halves.seats(1, 1))}
    with reverts("NoQuorum", 0, 2):
        halves.submit(checkpoint, bundle_of(others))
    with reverts("AlreadyCheckpointed", 1, 1):
        halves.submit(halves.checkpoint((), shard=1, count=1, included=1), b"")


def test_publish_waits_for_the_other_shard_only_until_the_deadline(halves):
    first = halves.seats(1)[0]
    with reverts("WrongPhase", CHECKPOINT, PUBLISH):
        halves.publish(first)
    halves.next_at(halves.ends_at("checkpoint"))
    halves.publish(first)
    assert (state(halves.beacon, 1), halves.beacon.roundAt(1)["checkpoints"]) == (PUBLISHED, 1)


def test_the_seats_take_turns_to_publish(publishing):
    """Shard by shard, a slot each, and round again while the phase lasts; whose it is learns it as a duty."""
    beacon, draw = publishing.beacon, publishing.draw
    seats = [m.id for shard in (0, 1) for m in publishing.seats(1, shard)]
    (spare,) = [m.id for m in publishing.members.values() if m.name.startswith("v") and m.id not in seats]
    began, ends_at = publishing.ends_at("checkpoint"), publishing.ends_at("publish")
    slot = publishing.rounds["turnSeconds"]
    assert (beacon.context()["phase"], beacon.context()["phaseEndsAt"]) == (PUBLISH, ends_at)
    for turn in range((ends_at - began) // slot):
        publishing.reach(max(began + turn * slot, chain[-1].timestamp + 1))
        until = began + (turn + 1) * slot
        assert tuple(draw.publisherOf(1)) == (seats[turn], until)
        duties = {number: tuple(draw.validatorDuty(number)) for number in (*seats, spare)}
        waiting = dict.fromkeys(duties, (WAIT, 1, 0, 0, until))
        assert duties == waiting | {seats[turn]: (TO_PUBLISH, 1, 0, 0, until)}
        assert draw.validatorDuty(publishing.ada.id)[0] == NOT_ACTIVE
    publishing.reach(ends_at)
    assert {draw.validatorDuty(number)[0] for number in duties} == {OPEN_ROUND}


def test_nobody_publishes_outside_the_publish_phase(halves):
    draw = halves.draw
    for number in (0, 1, 2):
        assert tuple(draw.publisherOf(number)) == (0, 0)
    halves.submit(halves.checkpoint((), shard=0, count=1, included=1))
    assert draw.publisherOf(1)[0] != 0
    assert tuple(draw.publisherOf(0)) == tuple(draw.publisherOf(2)) == (0, 0)
    halves.publish()
    assert tuple(draw.publisherOf(1)) == (0, 0)
    halves.open()
    assert tuple(draw.publisherOf(1)) == tuple(draw.publisherOf(2)) == (0, 0)


def test_the_last_slot_ends_with_the_phase(halves):
    """And the slots went round: the fifth was the first seat's again."""
    draw, slot, ends_at = halves.draw, halves.rounds["turnSeconds"], halves.ends_at("publish")
    halves.next_at(ends_at - 4 * slot - 1)
    halves.submit(halves.checkpoint((), shard=0, count=1, included=1))
    seats = [m.id for shard in (0, 1) for m in halves.seats(1, shard)]
    halves.reach(ends_at - 2)
    assert tuple(draw.publisherOf(1)) == (seats[3], ends_at - 1)
    halves.reach(ends_at - 1)
    assert tuple(draw.publisherOf(1)) == (seats[0], ends_at)
    halves.reach(ends_at)
    assert tuple(draw.publisherOf(1)) == (0, 0)


def test_the_first_slot_begins_with_the_last_checkpoint(halves):
    draw, slot = halves.draw, halves.rounds["turnSeconds"]
    accepted = halves.submit(halves.checkpoint((), shard=0, count=1, included=1)).timestamp
    seats = [m.id for shard in (0, 1) for m in halves.seats(1, shard)]
    assert tuple(draw.publisherOf(1)) == (seats[0], accepted + slot)
    halves.reach(accepted + 5 * slot)
    assert tuple(draw.publisherOf(1)) == (seats[1], accepted + 6 * slot)


def test_void_checkpoint_of_the_second_shard_works_after_the_firsts(halves, disputes):
    """Both committees cheated: the second proof must still go through, though the round has failed by then."""
    checkpoint = halves.checkpoint((), shard=0, count=1, included=1)
    halves.submit(checkpoint)
    for shard in (0, 1):
        disputes.voidCheckpoint(halves.beacon, 1, shard, {"from": halves.challenger})
    assert [halves.beacon.checkpointAt(1, shard)["voided"] for shard in (0, 1)] == [True, True]


def test_place_of_spreads_clients_by_the_seed(halves):
    seed = halves.beacon.roundAt(1)["seed"]
    for member in halves.members.values():
        expected = int.from_bytes(keccak(encode(["bytes32", "uint32"], [bytes(seed), member.id]))) % 2
        assert halves.beacon.placeOf(1, member.id)[0] == expected
