"""Beacon: what a proven fault undoes.

voidCheckpoint    reverts: NotDisputes, NoCheckpoint (none, twice), WrongState (final) · fails the open round ·
                  voids the published model and all on it
voidModel         reverts: NotDisputes, WrongState (open, final, twice) · head goes back, earlier models stay
turnAt            reverts: WrongTurn where the round was over before
"""

from brownie import chain

from tests.contracts.world import FAILED, FINAL, IDLE, OPEN, PUBLISH, PUBLISHED, VOID, reverts, state, word


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


def test_void_checkpoint_fails_the_open_round(publishing, disputes, by):
    beacon, publisher = publishing.beacon, publishing.publisher
    tx = disputes.voidCheckpoint(beacon, 1, 0, by)
    assert (tx.events["CheckpointVoided"]["round"], tx.events["RoundFailed"]["round"]) == (1, 1)
    assert (state(beacon, 1), beacon.headRound(), beacon.checkpointAt(1, 0)["voided"]) == (FAILED, 0, True)
    with reverts("WrongPhase", IDLE, PUBLISH):
        publishing.publish(publisher)
    assert publishing.open() == 2


def test_void_checkpoint_of_a_failed_round_only_marks_it(publishing, disputes, by):
    """So that its attesters can be punished though the round came to nothing."""
    beacon = publishing.beacon
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


def test_void_model_reverts_when_not_published(publishing, disputes, by):
    beacon = publishing.beacon
    with reverts("WrongState", 1, OPEN, PUBLISHED):
        disputes.voidModel(beacon, 1, by)
    publishing.publish()
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


def test_a_turn_that_had_not_begun_when_its_round_was_over_has_none(world, beacon, disputes, by):
    """Round 1 is over in its first turn, round 2 before it: nothing that is shown later attests in others."""
    world.run_to_publication()
    begins_at = beacon.roundAt(1)["revealEndsAt"]
    assert tuple(beacon.turnAt(1, 0)) == (1, 0, begins_at)
    with reverts("WrongTurn", 1):
        beacon.turnAt(1, 1)
    world.open()
    assert beacon.turnAt(2, 1)["beganAt"] == beacon.roundAt(2)["revealEndsAt"] + world.rounds["turnSeconds"]
    disputes.voidModel(beacon, 1, by)
    assert state(beacon, 2) == FAILED
    for turn in (0, 1):
        with reverts("WrongTurn", turn):
            beacon.turnAt(2, turn)
