"""MirrorFaults: what a seat told its shard's mirror, judged by the beacon.

disputeMirrorMessage  reverts: MirrorMessageIsRight · BadAttestation (another key, message, mirror, chain) · NoMirror
                      · NoSuchSeat · NoSuchShard · AlreadyProven · KeyRetired
                      slashes the seat alone, once for a round, for each lie that the beacon sees
isFalse               reverts: CommitteeNotDrawn, while it can be drawn
punishMirrorLie       reverts: NotMirrorFaults
"""

from dataclasses import replace

import pytest
from brownie import BeaconMirror, MirrorFaults, accounts, chain

from qfl.chain.parameters import load_parameters
from qfl.protocol.digests import seat_digest
from qfl.protocol.types import MirrorSeat, ParticipantId, RoundNumber, ShardIndex
from qfl.quorum.lms import decode_bundle
from scripts.deploy import NOBODY, deploy
from tests.contracts.bank import rotate
from tests.contracts.dispute_testnet import VALIDATORS, seconds_now
from tests.contracts.mirrors import Glass, as_tuple
from tests.contracts.world import GENESIS, VALIDATOR_STAKE, Member, World, as_struct, build, key_of, reverts, word

MIRROR = 6
PARAMETERS = load_parameters()


@pytest.fixture(scope="module")
def deployed(module_isolation):
    mirror = accounts[0].deploy(BeaconMirror, 0, bytes(32))
    contracts = deploy(accounts[0], PARAMETERS, GENESIS, quorum="lms", mirrors=[(chain.id, mirror.address)])
    world = World(contracts, PARAMETERS)
    for name in VALIDATORS:
        world.bond(name, "validator")
    world.bond("ada", "client")
    return world, mirror


@pytest.fixture
def glass(deployed, fn_isolation):
    """The beacon's round 1 is over, and 2 is open."""
    world, mirror = deployed
    world = world.fresh()
    world.open()
    glass = Glass(world, mirror, None, [world.ada])
    glass.next_round()
    return glass


@pytest.fixture
def judge(glass):
    return MirrorFaults.at(glass.world.contracts.disputes.mirrorFaults())


def dispute(judge, glass, message, *, signer=None, key_index=0, **changed):
    """Have the challenger prove that seat 1 of round 1's committee signed the message."""
    seated = glass.world.seats(1)[1]
    digest = replace(glass.world.domain(glass.mirror), **changed).mirror_message(message)
    signature = (signer or seated).sign(seat_digest(digest, seated.id, 1))
    return judge.disputeMirrorMessage(as_tuple(message), 1, 1, key_index, signature, {"from": glass.world.challenger})


def stakes(glass):
    staking = glass.world.staking
    return {m.id: staking.participant(m.id)["stakeWei"] for m in glass.world.members.values()}


def false_in(glass, field):
    """A message for round 2 that is false in one field."""
    message = glass.message(previous=1)
    right = getattr(message.round, field)
    value = word("false") if isinstance(right, bytes) else right + 1
    return replace(message, round=replace(message.round, **{field: value}))


SEEN = (
    *("shards", "seats", "lane_bits", "turn_seconds", "commit_ends_at", "reveal_ends_at", "checkpoint_ends_at"),
    *("norm_bound", "seed", "base_root"),
)


def assert_convicted(judge, glass, message):
    before, guilty = stakes(glass), glass.world.seats(1)[1].id
    tx = dispute(judge, glass, message)
    assert stakes(glass) == {i: stake // 2 if i == guilty else stake for i, stake in before.items()}
    event = tx.events["FaultProven"]
    assert (event["fault"], event["round"], event["shard"]) == (MIRROR, message.round.round, 0)
    assert (event["challenger"], list(event["guilty"])) == (glass.world.challenger, [guilty])
    with reverts("AlreadyProven", message.round.round, 0, 1):
        dispute(judge, glass, message)


@pytest.mark.parametrize("field", SEEN)
def test_a_seat_that_says_something_else_of_a_round_is_slashed_once(judge, glass, field):
    assert_convicted(judge, glass, false_in(glass, field))


def test_what_a_mirror_says_that_it_was_told_convicts_who_signed_it(judge, glass):
    """Its event has message and signatures, so no transaction has to be read: who carried it may hide them there."""
    glass.begin()
    glass.next_round()
    event = glass.advance(glass.message(previous=2, seed=word("false")), 2).events["RoundMirrored"]
    before, seats = stakes(glass), glass.world.seats(2)
    for seat, signature in decode_bundle(bytes(event["bundle"])).items():
        told = event["message"], event["signers"], seat, 0, signature
        judge.disputeMirrorMessage(*told, {"from": glass.world.challenger})
    guilty = {member.id for member in seats[:3]}
    assert stakes(glass) == {i: stake // 2 if i in guilty else stake for i, stake in before.items()}


@pytest.mark.parametrize(("number", "previous"), [(3, 1), (2**64 - 1, 1), (2, 2), (0, 0)])
def test_a_seat_that_names_a_round_that_there_is_not_is_slashed(judge, glass, number, previous):
    message = glass.message(previous=1)
    false = replace(message.round, round=RoundNumber(number), previous=RoundNumber(previous))
    assert_convicted(judge, glass, replace(message, round=false))


def test_a_seat_that_seats_somebody_else_is_slashed(judge, glass):
    message = glass.message(previous=1)
    for committee in (message.committee[::-1], message.committee[:-1]):
        assert judge.isFalse(as_tuple(replace(message, committee=committee)))
    stranger = MirrorSeat(ParticipantId(99), message.committee[0].key)
    assert_convicted(judge, glass, replace(message, committee=(stranger, *message.committee[1:])))


def test_a_seat_that_names_a_key_that_a_validator_never_had_is_slashed(judge, glass):
    message = glass.message(previous=1)
    false = replace(message.committee[2], key=key_of("mine").public)
    assert_convicted(judge, glass, replace(message, committee=(*message.committee[:2], false, message.committee[3])))


def test_the_honest_message_convicts_nobody(judge, glass):
    before = stakes(glass)
    with reverts("MirrorMessageIsRight", 2):
        dispute(judge, glass, glass.message(previous=1))
    assert stakes(glass) == before


def test_the_honest_message_stays_right_when_keys_change_and_validators_leave(judge, glass):
    world, message = glass.world, glass.message(previous=1)
    sitting = world.seats(2)[0]
    rotate(world, sitting, key_of("second"))
    assert not judge.isFalse(as_tuple(message))
    world.staking.requestExit(
        sitting.id, sitting.sign(world.domain(world.staking).exit(sitting.id, 1)), {"from": world.owner}
    )
    world.reach(world.staking.participant(sitting.id)["exitableAt"])
    world.staking.withdraw(sitting.id, {"from": world.owner})
    assert not judge.isFalse(as_tuple(message))


def test_a_key_that_was_replaced_before_the_round_opened_is_false(judge, glass):
    world = glass.world
    renewed, old = world.members["vera"], world.members["vera"].secret.public
    rotate(world, renewed, key_of("second"))
    glass.next_round()
    while renewed.id not in world.beacon.committee(world.beacon.currentRound(), 0):
        glass.next_round()
    message = glass.message(previous=1)
    assert not judge.isFalse(as_tuple(message))
    seats = tuple(replace(s, key=old) if s.validator == renewed.id else s for s in message.committee)
    assert judge.isFalse(as_tuple(replace(message, committee=seats)))


def test_a_key_with_the_identifier_of_a_right_one_is_false(judge, glass):
    message = glass.message(previous=1)
    seat = message.committee[0]
    for key in (replace(seat.key, root=word("root")[:24]), replace(seat.key, height=10)):
        assert judge.isFalse(as_tuple(replace(message, committee=(replace(seat, key=key), *message.committee[1:]))))


def test_a_key_change_more_makes_no_message_dearer_to_judge(judge, glass):
    """Else a liar that has changed its keys often enough could not be convicted."""
    world, message = glass.world, glass.message(previous=1)
    lie = replace(message, committee=(*message.committee[:3], replace(message.committee[3], key=key_of("mine").public)))
    before = judge.isFalse.estimate_gas(as_tuple(lie), {"from": world.challenger})
    for number in range(3):
        rotate(world, world.seats(2)[3], key_of(f"key {number}"), number)
    after = judge.isFalse.estimate_gas(as_tuple(lie), {"from": world.challenger})
    assert abs(after - before) < 2_500  # a loop over keys: 10,000 and more for each


def test_a_committee_that_is_never_drawn_is_a_lie_once_the_round_is_over(disputes, fn_isolation):
    """Four committees of 52 fill the draw's first part; the fifth waits for somebody to draw it."""
    world = build(clients=("ada",), validators=(), disputes=disputes, shards=5, seats=52)
    paying = {"from": world.relayer, "value": VALIDATOR_STAKE}
    for i in range(4 * 52):
        bonded = world.staking.bondValidator(as_struct(key_of("all")), word(f"v{i}")[:28], accounts[5], paying)
        world.members[f"v{i}"] = Member(f"v{i}", bonded.events["Bonded"]["id"], accounts[5], key_of("all"))
    judge = world.owner.deploy(MirrorFaults, world.beacon, [])
    world.open()

    glass = Glass(world, None, None, [world.ada])
    message, lie = as_tuple(glass.message()), as_tuple(glass.message(shard=ShardIndex(4)))
    assert not judge.isFalse(message)
    with reverts("CommitteeNotDrawn", 1, 4):
        judge.isFalse(lie)
    world.reach(world.ends_at("checkpoint"))
    world.open()
    assert judge.isFalse(lie) and not judge.isFalse(message)


def test_dispute_reverts_when_the_seat_did_not_sign_it(judge, glass):
    world, false = glass.world, false_in(glass, "seed")
    with reverts("BadAttestation", 1, world.seats(1)[1].id):
        dispute(judge, glass, false, signer=world.seats(1)[0])
    with reverts("BadAttestation"):
        dispute(judge, glass, false, chain_id=chain.id + 1)
    with reverts("BadAttestation"):
        dispute(judge, glass, false, key_index=1)
    call = as_tuple(false), 1, 4, 0, b"", {"from": world.challenger}
    with reverts("NoSuchSeat", 4, 4):
        judge.disputeMirrorMessage(*call)
    with reverts("NoSuchShard", 0, 0):
        judge.disputeMirrorMessage(call[0], 9, *call[2:])


def test_a_key_counts_against_its_owner_as_long_as_a_stake_is_liable(judge, glass):
    world = glass.world
    seated = world.seats(1)[1]
    old = replace(seated)
    rotate(world, seated, key_of("second"))
    retired_at = seconds_now()
    false, other = false_in(glass, "seed"), false_in(glass, "norm_bound")
    world.reach(retired_at + world.staking.unbondingSeconds())
    with reverts("KeyRetired", seated.id, 0, retired_at):
        dispute(judge, glass, other, signer=old)
    chain.undo(2)
    dispute(judge, glass, false, signer=old)


def test_a_shard_without_a_mirror_has_no_lies(glass):
    world = glass.world
    lone = world.owner.deploy(MirrorFaults, world.beacon, [])
    with reverts("NoMirror", 0):
        dispute(lone, glass, false_in(glass, "seed"))


def test_nobody_else_has_a_validator_slashed(glass):
    world = glass.world
    with reverts("NotMirrorFaults", world.mallory):
        world.contracts.disputes.punishMirrorLie(1, 0, world.seats(1)[1].id, world.mallory, {"from": world.mallory})
    assert world.contracts.disputes.mirrorFaults() != NOBODY
