"""Beacon: parameters, rounds, checkpoints, publication, finality, rollback, rewards.

setParameters     reverts: OwnableUnauthorizedAccount, BadParameters for each field · used by the next round only
openRound         reverts: RoundInProgress, TooFewValidators, TooManyUnsettled · anyone · after a failed, published or
                  voided round · committee as drawn · deadlines · a round nobody completed is Failed
submitCheckpoint  reverts: NotCurrentRound, WrongPhase, NoSuchShard, AlreadyCheckpointed, WrongBase, WrongCount,
                  WrongTurn, NoQuorum, BadAttestation (forged, replayed from another round, altered) · any carrier
publish           reverts: NotCurrentRound, WrongPhase, NotValidator (client, leaving, slashed), BadSignature,
                  second publication · early when all shards are in · late without some
settle            reverts: WrongState, StillChallengeable (boundary), BaseNotFinal · final for good
voidCheckpoint    reverts: NotDisputes, NoCheckpoint (none, twice), WrongState (final) · fails the open round ·
                  voids the published model and all on it
voidModel         reverts: NotDisputes, WrongState (open, final, twice) · head goes back, earlier models stay
rewardUpdate      reverts: WrongState, NoCheckpoint (other checkpoint), NotIncluded (client, position, path),
                  AlreadyRewarded · credits each included client once
rewardSeat        reverts: WrongState, NoCheckpoint, NotAttested, AlreadyRewarded · credits who attested
rewardPublisher   reverts: WrongState, AlreadyRewarded (twice; genesis) · credits
views             context, client, committee, shardOf, validatorDuty, roundAt
"""

from __future__ import annotations

from dataclasses import replace

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
    GWEI,
    IDLE,
    NONE,
    OPEN,
    PUBLISH,
    PUBLISHED,
    REVEAL,
    VOID,
    as_struct,
    as_tuple,
    build,
    bundle_of,
    key_of,
    request,
    reverts,
    word,
)

NOT_ACTIVE, WAIT, OPEN_ROUND, VERIFY, TO_PUBLISH = range(5)


@pytest.fixture
def beacon(world):
    return world.beacon


@pytest.fixture
def by(world):
    return {"from": world.relayer}


def state(beacon, round_number):
    return beacon.roundAt(round_number)["state"]


# --- parameters ------------------------------------------------------------------------------------------------


def test_set_parameters_reverts_when_not_the_owner(world, beacon):
    with reverts("OwnableUnauthorizedAccount", world.mallory):
        beacon.setParameters(list(world.rounds.values()), {"from": world.mallory})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((f"{phase}Seconds", 0) for phase in ("commit", "reveal", "turn", "checkpoint", "publish", "challenge")),
        ("shards", 0),
        ("seats", 0),
        ("seats", 65),
        ("laneBits", 32),
        ("quantumExponent", 25),
        ("classicalExponent", 25),
        ("trimBps", 5000),
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
            *(NOBODY, world.owner),
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
    """The counter in the chain's slot is set to 32: publishing that many models would take a while."""
    chain_slot = "0x" + (32 << 208 | 1 << 192).to_bytes(32).hex()
    request("anvil_setStorageAt", beacon.address, "0x1", chain_slot)
    with reverts("TooManyUnsettled", 0, 1):
        beacon.openRound(by)
    assert beacon.parametersVersion() == 1


def test_open_round_draws_its_committee_from_the_seed(world, beacon, by):
    tx = beacon.openRound(by)
    event = tx.events["RoundOpened"]
    randomness = int(chain[tx.block_number]["mixHash"].hex(), 16)
    seed = keccak(encode(["bytes32", "uint256", "uint64"], [bytes(32), randomness, 1]))
    assert event["seed"] == "0x" + seed.hex()
    assert list(event["committees"]) == list(world.staking.draw(seed, 4)) == list(beacon.committee(1, 0))


def test_open_round_sets_deadlines_and_builds_on_the_head(world, beacon, by):
    tx = beacon.openRound({"from": world.mallory})
    opened = beacon.roundAt(1)
    assert opened["commitEndsAt"] == tx.timestamp + 300
    assert opened["revealEndsAt"] == tx.timestamp + 420
    assert opened["checkpointEndsAt"] == tx.timestamp + 720
    assert opened["publishEndsAt"] == tx.timestamp + 840
    assert (opened["state"], opened["baseRound"], beacon.currentRound()) == (OPEN, 0, 1)


def test_open_round_writes_off_a_round_without_checkpoints(world, beacon, by):
    world.open()
    world.reach(world.ends_at("checkpoint"))
    assert state(beacon, 1) == FAILED
    assert beacon.openRound(by).events["RoundFailed"]["round"] == 1
    assert (beacon.roundAt(2)["baseRound"], state(beacon, 1)) == (0, FAILED)


def test_open_round_writes_off_a_round_without_publication(world, beacon, by):
    world.run_to_publish_phase()
    world.next_at(world.ends_at("publish"))
    assert beacon.openRound(by).events["RoundFailed"]["round"] == 1


def test_open_round_follows_a_publication_at_once(world, beacon):
    world.run_to_publication()
    assert world.open() == 2
    assert (beacon.roundAt(2)["baseRound"], beacon.context()["baseRoot"]) == (1, "0x" + word("model 1").hex())


# --- submitCheckpoint ------------------------------------------------------------------------------------------


@pytest.fixture
def checking(world):
    """The world in the checkpoint phase of a round with two updates."""
    world.run_to_checkpoint_phase([world.ada, world.ben])
    return world


@pytest.fixture
def honest(checking):
    """What the committee agrees on."""
    return checking.checkpoint([checking.ada, checking.ben])


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
    with reverts("WrongCount", count, bits):
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
        "paid": 0,
        "acceptedAt": tx.timestamp,
        "count": 2,
        "voided": False,
    }
    assert checking.beacon.roundAt(1)["checkpoints"] == 1


# --- publish ---------------------------------------------------------------------------------------------------


@pytest.fixture
def publishing(world):
    """The world in the publish phase: its only shard is checkpointed."""
    world.run_to_publish_phase()
    return world


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


# --- rollback --------------------------------------------------------------------------------------------------


def test_void_reverts_when_not_the_disputes_contract(world, beacon):
    with reverts("NotDisputes", world.owner):
        beacon.voidCheckpoint(1, 0, {"from": world.owner})
    with reverts("NotDisputes", world.owner):
        beacon.voidModel(1, {"from": world.owner})


def test_void_checkpoint_reverts_when_there_is_none(checking, disputes, by):
    with reverts("NoCheckpoint", 1, 0):
        disputes.voidCheckpoint(checking.beacon, 1, 0, by)


def test_void_checkpoint_reverts_when_voided_already(publishing, disputes, by):
    disputes.voidCheckpoint(publishing.beacon, 1, 0, by)
    with reverts("NoCheckpoint", 1, 0):
        disputes.voidCheckpoint(publishing.beacon, 1, 0, by)


def test_void_reverts_when_final(world, beacon, disputes, by):
    world.run_to_finality()
    with reverts("WrongState", 1, FINAL, PUBLISHED):
        disputes.voidCheckpoint(beacon, 1, 0, by)
    with reverts("WrongState", 1, FINAL, PUBLISHED):
        disputes.voidModel(beacon, 1, by)


def test_void_checkpoint_fails_the_open_round(publishing, beacon, disputes, by):
    tx = disputes.voidCheckpoint(beacon, 1, 0, by)
    assert (tx.events["CheckpointVoided"]["round"], tx.events["RoundFailed"]["round"]) == (1, 1)
    assert (state(beacon, 1), beacon.headRound(), beacon.checkpointAt(1, 0)["voided"]) == (FAILED, 0, True)
    with reverts("WrongPhase", IDLE, PUBLISH):
        publishing.publish(publishing.vera)
    assert publishing.open() == 2


def test_void_checkpoint_of_a_failed_round_only_marks_it(publishing, beacon, disputes, by):
    """So that its attesters can be punished though the round came to nothing."""
    publishing.reach(publishing.ends_at("publish"))
    publishing.open()
    tx = disputes.voidCheckpoint(beacon, 1, 0, by)
    assert "RoundFailed" not in tx.events
    assert (state(beacon, 1), state(beacon, 2)) == (FAILED, OPEN)


def test_void_rolls_back_everything_built_on_it(world, beacon, disputes, by):
    """Rounds 1 (final), 2 (failed), 3, 4 (published) and 5 (open): voiding 3 leaves the model of 1."""
    world.run_to_finality()
    world.open()
    world.reach(world.ends_at("checkpoint"))
    world.run_to_publication()
    world.run_to_publication()
    world.open()
    tx = disputes.voidCheckpoint(beacon, 3, 0, by)
    assert [e["round"] for e in tx.events["ModelVoided"]] == [4, 3]
    assert tx.events["RoundFailed"]["round"] == 5
    assert [state(beacon, i) for i in range(1, 6)] == [FINAL, FAILED, VOID, VOID, FAILED]
    assert (beacon.headRound(), beacon.finalRound()) == (1, 1)
    assert world.open() == 6
    assert beacon.context()["baseRoot"] == "0x" + word("model 1").hex()


def test_void_model_leaves_the_models_before_it(world, beacon, disputes, by):
    world.run_to_publication()
    world.run_to_publication()
    disputes.voidModel(beacon, 2, by)
    assert [state(beacon, i) for i in (1, 2)] == [PUBLISHED, VOID]
    assert beacon.headRound() == 1
    world.reach(chain[-1].timestamp + 600)
    beacon.settle(1, by)
    with reverts("WrongState", 2, VOID, PUBLISHED):
        beacon.settle(2, by)


def test_void_model_reverts_when_not_published(world, beacon, disputes, by):
    world.run_to_publish_phase()
    with reverts("WrongState", 1, OPEN, PUBLISHED):
        disputes.voidModel(beacon, 1, by)
    world.publish(world.vera)
    disputes.voidModel(beacon, 1, by)
    with reverts("WrongState", 1, VOID, PUBLISHED):
        disputes.voidModel(beacon, 1, by)


def test_slash_reaches_all_attesters_though_one_has_left(world, beacon, disputes, by):
    """The challenge window is over but nobody settled: one attester got away, the others do not."""
    world.run_to_publication()
    seats = world.seats(1)
    gone = seats[0]
    signature = gone.sign(world.domain(world.staking).exit(gone.id, world.staking.participant(gone.id)["nonce"]))
    world.staking.requestExit(gone.id, signature, by)
    world.reach(world.staking.participant(gone.id)["exitableAt"])
    world.staking.withdraw(gone.id, by)
    disputes.slash(world.staking, [m.id for m in seats[:3]], world.challenger, by)
    assert [world.staking.participant(m.id)["stakeWei"] for m in seats[1:3]] == [5 * 10**17] * 2


# --- rewards ---------------------------------------------------------------------------------------------------


@pytest.fixture
def everyone(world):
    return [world.ada, world.ben, world.cleo]


@pytest.fixture
def settled(world, everyone):
    """Round 1 is final, with three updates; this is its checkpoint."""
    return world.run_to_finality(everyone)


def test_reward_reverts_when_not_final(world, beacon, by, everyone):
    checkpoint = world.run_to_publication(everyone)
    for call in (
        lambda: world.claim(checkpoint, everyone, 0),
        lambda: beacon.rewardSeat(1, 0, 0, by),
        lambda: beacon.rewardPublisher(1, by),
    ):
        with reverts("WrongState", 1, PUBLISHED, FINAL):
            call()


@pytest.mark.parametrize("change", [{"updates_root": word("own")}, {"count": 2}, {"included": 0b1011}, {"shard": 1}])
def test_reward_update_reverts_when_the_checkpoint_is_another(world, settled, everyone, change):
    with reverts("NoCheckpoint"):
        world.claim(replace(settled, **change), everyone, 0)


def test_reward_update_reverts_when_not_included(world, settled, everyone):
    for changed in (
        {"client": world.ben.id},
        {"position": 1},
        {"position": 3},
        {"position": 256},
        {"root": word("another")},
        {"digest": word("another")},
        {"path": world.path(everyone, 0)[:1]},
    ):
        with reverts("NotIncluded", 1, 0, changed.get("client", world.ada.id)):
            world.claim(settled, everyone, 0, **changed)


def test_reward_update_reverts_when_already_rewarded(world, settled, everyone):
    world.claim(settled, everyone, 2)
    with reverts("AlreadyRewarded", 1):
        world.claim(settled, everyone, 2)


def test_reward_update_credits_each_included_client_once(world, beacon, settled, everyone):
    for position in range(3):
        world.claim(settled, everyone, position)
    assert [world.staking.rewardsOf(m.id) for m in everyone] == [10**6 * GWEI] * 3
    assert beacon.rewardedUpdates(1, 0) == 0b111


def test_reward_seat_reverts_when_no_checkpoint(world, beacon, settled, by):
    with reverts("NoCheckpoint", 1, 1):
        beacon.rewardSeat(1, 1, 0, by)


@pytest.mark.parametrize("seat", [3, 64, 255])
def test_reward_seat_reverts_when_not_attested(world, beacon, settled, by, seat):
    with reverts("NotAttested", 1, 0, seat):
        beacon.rewardSeat(1, 0, seat, by)


def test_reward_seat_credits_who_attested_once(world, beacon, settled, by):
    for seat in range(3):
        beacon.rewardSeat(1, 0, seat, by)
    assert [world.staking.rewardsOf(m.id) for m in world.seats(1)] == [5 * 10**5 * GWEI] * 3 + [0]
    with reverts("AlreadyRewarded", 1):
        beacon.rewardSeat(1, 0, 2, by)


def test_reward_publisher_reverts_when_there_is_none(beacon, by):
    with reverts("AlreadyRewarded", 0):
        beacon.rewardPublisher(0, by)


def test_reward_publisher_credits_once(world, beacon, settled, by):
    beacon.rewardPublisher(1, by)
    assert world.staking.rewardsOf(world.vera.id) == 10**6 * GWEI
    with reverts("AlreadyRewarded", 1):
        beacon.rewardPublisher(1, by)


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
    assert (beacon.context()["phase"], beacon.context()["phaseEndsAt"]) == (PUBLISH, world.ends_at("publish"))


def test_client_says_who_may_commit_with_which_key(world, beacon):
    active, shard, key = beacon.client(world.ada.id)
    assert (active, shard, tuple(key)) == (True, 0, as_struct(world.ada.secret))
    assert not beacon.client(world.vera.id)[0]


def test_committee_reverts_when_no_such_shard(world, beacon):
    world.open()
    with reverts("NoSuchShard", 1, 1):
        beacon.committee(1, 1)


def test_shard_of_reverts_when_there_is_no_such_round(beacon, world):
    with reverts("WrongState", 7, NONE, OPEN):
        beacon.shardOf(7, world.ada.id)


def test_validator_duty_follows_the_round(world, beacon):
    assert beacon.validatorDuty(world.ada.id)[0] == NOT_ACTIVE
    assert beacon.validatorDuty(world.vera.id)[0] == OPEN_ROUND
    world.open()
    seats = world.seats(1)
    (spare,) = [m for m in world.members.values() if m.name.startswith("v") and m not in seats]
    assert tuple(beacon.validatorDuty(seats[3].id)) == (WAIT, 1, 0, 0, world.ends_at("commit"))
    world.reach(world.ends_at("reveal"))
    assert tuple(beacon.validatorDuty(seats[3].id)) == (VERIFY, 1, 0, 3, world.ends_at("checkpoint"))
    assert tuple(beacon.validatorDuty(spare.id)) == (WAIT, 1, 0, 0, world.ends_at("checkpoint"))
    world.submit(world.checkpoint((), count=1, included=1))
    assert tuple(beacon.validatorDuty(spare.id)) == (TO_PUBLISH, 1, 0, 0, world.ends_at("publish"))


# --- more than one shard ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_shards(disputes):
    """Two shards with two seats each."""
    return build(disputes=disputes, shards=2, seats=2)


@pytest.fixture
def halves(two_shards, fn_isolation):
    """Two shards in the checkpoint phase, shard 1 checkpointed."""
    world = two_shards.fresh()
    world.run_to_checkpoint_phase()
    checkpoint = world.checkpoint((), shard=1, count=1, included=1)
    world.submit(checkpoint, world.bundle(checkpoint, (0, 1)))
    return world


def test_committees_of_a_round_share_no_validator(halves):
    seated = [m.name for shard in (0, 1) for m in halves.seats(1, shard)]
    assert len(set(seated)) == 4


def test_a_shard_is_checkpointed_by_its_own_committee_once(halves):
    checkpoint = halves.checkpoint((), shard=0, count=1, included=1)
    digest = halves.domain(halves.beacon).checkpoint(checkpoint)
    others = {seat: member.sign(digest) for seat, member in enumerate(halves.seats(1, 1))}
    with reverts("BadAttestation", 0, halves.seats(1, 0)[0].id):
        halves.submit(checkpoint, bundle_of(others))
    with reverts("AlreadyCheckpointed", 1, 1):
        halves.submit(halves.checkpoint((), shard=1, count=1, included=1), b"")


def test_publish_waits_for_the_other_shard_only_until_the_deadline(halves):
    with reverts("WrongPhase", CHECKPOINT, PUBLISH):
        halves.publish(halves.vera)
    halves.next_at(halves.ends_at("checkpoint"))
    halves.publish(halves.vera)
    assert (state(halves.beacon, 1), halves.beacon.roundAt(1)["checkpoints"]) == (PUBLISHED, 1)


def test_void_checkpoint_of_the_second_shard_works_after_the_firsts(halves, disputes):
    """Both committees cheated: the second proof must still go through, though the round has failed by then."""
    checkpoint = halves.checkpoint((), shard=0, count=1, included=1)
    halves.submit(checkpoint, halves.bundle(checkpoint, (0, 1)))
    for shard in (0, 1):
        disputes.voidCheckpoint(halves.beacon, 1, shard, {"from": halves.challenger})
    assert [halves.beacon.checkpointAt(1, shard)["voided"] for shard in (0, 1)] == [True, True]


def test_shard_of_spreads_clients_by_the_seed(halves):
    seed = halves.beacon.roundAt(1)["seed"]
    for member in halves.members.values():
        expected = int.from_bytes(keccak(encode(["bytes32", "uint32"], [bytes(seed), member.id]))) % 2
        assert halves.beacon.shardOf(1, member.id) == expected
