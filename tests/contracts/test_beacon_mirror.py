"""BeaconMirror.

begin      reverts: NotDeployer · AlreadyBegun · WrongShard · WrongPrevious · WrongCommittee (another size, none)
           shows the round, in the phases the beacon has it in
advance    reverts: NotBegun · WrongShard · RoundNotLater (replayed, an earlier round) · WrongPrevious (out of order)
           · WrongCommittee · NoQuorum · NoSuchSeat · NoQuorum (any field changed, signed for another mirror, by
           another committee, with a key that was replaced) · HandoverNotOpen · CommitteeTooOld (unknown, too old)
           accepts the sitting committee's two thirds · an earlier committee's once its time has come
admit      reverts: NotAClient (another position, path, key, id) · AlreadyAdmitted
           a revoked client has to prove its new key · one that left cannot come back
countersign reverts for a round that is over
Shard on a mirror takes commits and reveals of admitted clients, in the mirrored round and its phases
A false mirror: nothing that it leads to is taken by the beacon
"""

from dataclasses import replace

import pytest

from qfl.crypto.lms import LmsSecret
from qfl.protocol.digests import compute_commitment
from qfl.protocol.types import LmsPublicKey, MirrorSeat, ParticipantId, RoundNumber, ShardIndex
from tests.contracts.bank import rotate
from tests.contracts.mirrors import as_tuple, put_up
from tests.contracts.world import (
    CHECKPOINT,
    COMMIT,
    GENESIS,
    IDLE,
    REVEAL,
    Member,
    bundle_of,
    key_of,
    reverts,
    update_by,
    word,
)


@pytest.fixture
def glass(world):
    """A mirror that shows nothing yet; the beacon's round 1 is open."""
    world.open()
    return put_up(world, [world.ada, world.ben, world.cleo])


@pytest.fixture
def begun(glass):
    """A mirror that shows round 1."""
    glass.begin()
    return glass


@pytest.fixture
def at_two(begun):
    """A mirror that shows round 1, while the beacon's round 2 is open."""
    begun.next_round()
    return begun


def test_begin_reverts_when_not_deployer(glass, by_anyone):
    with reverts("NotDeployer", glass.world.mallory):
        glass.mirror.begin(as_tuple(glass.message()), by_anyone)


def test_begin_reverts_when_already_begun(begun):
    with reverts("AlreadyBegun", 1):
        begun.begin(begun.message(round=RoundNumber(2)))


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"shard": ShardIndex(1)}, "WrongShard"),
        ({"previous": RoundNumber(1)}, "WrongPrevious"),
        ({"seats": 3}, "WrongCommittee"),
        ({"seats": 0}, "WrongCommittee"),
        ({"shards": 0}, "NoSuchShard"),
        ({"checkpoint_ends_at": 2**40 - 1}, "EndsTooLate"),
        ({"turn_seconds": 366 * 86_400 // 4}, "EndsTooLate"),
        ({"commit_ends_at": 2**40 - 1}, "WrongDeadlines"),
        ({"reveal_ends_at": 1}, "WrongDeadlines"),
        ({"checkpoint_ends_at": 1}, "WrongDeadlines"),
    ],
)
def test_begin_reverts_when_the_message_is_not_for_this_mirror(glass, changed, error):
    with reverts(error):
        glass.begin(glass.message(**changed))


def test_begin_shows_the_beacons_round(begun, beacon):
    shown, on_beacon = begun.mirror.context(), beacon.context()
    assert shown.dict() == on_beacon.dict()
    assert begun.mirror.committee(1, 0) == beacon.committee(1, 0)


def test_the_mirror_goes_through_the_phases_by_its_own_chains_clock(begun):
    world, found = begun.world, [begun.mirror.context()["phase"]]
    for phase in ("commit", "reveal", "checkpoint"):
        world.reach(world.ends_at(phase))
        found.append(begun.mirror.context()["phase"])
    assert found == [COMMIT, REVEAL, CHECKPOINT, IDLE]


def test_advance_reverts_when_not_begun(glass):
    with reverts("NotBegun"):
        glass.advance(glass.message(), 1)


def test_advance_reverts_without_a_quorum(at_two):
    message = at_two.message(previous=1)
    with reverts("NoQuorum", 2, 3):
        at_two.advance(message, 1, at_two.sign(message, at_two.world.seats(1), (0, 3)))


def test_advance_reverts_when_no_such_seat(at_two):
    message = at_two.message(previous=1)
    digest = at_two.world.domain(at_two.mirror).mirror_message(message)
    with reverts("NoSuchSeat", 4, 4):
        at_two.advance(message, 1, bundle_of({4: at_two.world.seats(1)[0].attest(digest, 4)}))


def test_advance_reverts_when_replayed(at_two):
    message = at_two.message(previous=1)
    bundle = at_two.sign(message, at_two.world.seats(1))
    at_two.advance(message, 1, bundle)
    with reverts("RoundNotLater", 2, 2):
        at_two.advance(message, 1, bundle)


def test_advance_reverts_when_out_of_order(at_two):
    """Signed for a mirror at round 1, a message of round 3 says nothing of who was revoked by round 2's."""
    at_two.advance(at_two.message(previous=1), 1)
    at_two.next_round()
    late = at_two.message(previous=1)
    with reverts("WrongPrevious", 1, 2):
        at_two.advance(late, 2)


def test_advance_reverts_for_a_round_that_no_beacon_reaches(at_two):
    """A mirror that takes one takes nothing after it: a majority of one committee would shut its shard for good."""
    for far in (2**64 - 1, 1 + 65_536 + 1):
        with reverts("RoundTooFar", far, 1 + 65_536):
            at_two.advance(at_two.message(previous=1, round=RoundNumber(far)), 1)


def test_advance_takes_a_round_after_one_that_was_missed(at_two):
    at_two.next_round()
    at_two.advance(at_two.message(previous=1), 1)
    assert at_two.mirror.mirrored()["round"] == 3


def test_advance_reverts_for_another_shard(at_two):
    message = at_two.message(previous=1, shard=ShardIndex(1))
    with reverts("WrongShard", 1, 0):
        at_two.advance(message, 1)


def test_advance_reverts_when_signed_for_another_mirror(at_two):
    other = put_up(at_two.world, at_two.clients)
    message = at_two.message(previous=1)
    bundle = other.sign(message, at_two.world.seats(1))
    with reverts("NoQuorum"):
        at_two.advance(message, 1, bundle)


def test_advance_reverts_when_signed_for_another_chain(at_two):
    message, seats = at_two.message(previous=1), at_two.world.seats(1)
    domain = at_two.world.domain(at_two.mirror)
    digest = replace(domain, chain_id=domain.chain_id + 1).mirror_message(message)
    with reverts("NoQuorum"):
        at_two.advance(message, 1, bundle_of({seat: seats[seat].attest(digest, seat) for seat in (0, 1, 2)}))


CHANGED = {
    "round": 9,
    "shards": 2,
    "lane_bits": 8,
    "turn_seconds": 1,
    "commit_ends_at": 1,
    "reveal_ends_at": ...,
    "checkpoint_ends_at": ...,
    "norm_bound": 1,
    "client_count": 9,
    "seed": word("seed"),
    "base_root": word("base"),
    "clients_root": word("clients"),
}


@pytest.mark.parametrize("field", CHANGED)
def test_advance_reverts_when_a_field_is_changed_after_signing(at_two, field):
    message = at_two.message(previous=1)
    bundle = at_two.sign(message, at_two.world.seats(1))
    value = getattr(message.round, field) + 1 if CHANGED[field] is ... else CHANGED[field]
    with reverts("NoQuorum"):
        at_two.advance(replace(message, round=replace(message.round, **{field: value})), 1, bundle)


def test_advance_reverts_when_a_list_is_changed_after_signing(at_two):
    """A left-out revocation would leave a stolen key in force; a seat more would hand the mirror over to a stranger."""
    message = at_two.message(previous=1, revoked=[at_two.world.ada])
    bundle = at_two.sign(message, at_two.world.seats(1))
    stranger = MirrorSeat(ParticipantId(99), key_of("stranger").public)
    for forged in (replace(message, revoked=()), replace(message, committee=(stranger, *message.committee[1:]))):
        with reverts("NoQuorum"):
            at_two.advance(forged, 1, bundle)


def test_advance_reverts_when_the_next_committee_signs(at_two):
    """The beacon's committee of round 2 is nobody to a mirror that shows round 1."""
    message = at_two.message(previous=1)
    with reverts("CommitteeTooOld", 2, 1):
        at_two.advance(message, 2)


def test_a_validator_whose_key_was_replaced_signs_with_the_mirrored_one(at_two):
    world, message = at_two.world, at_two.message(previous=1)
    seats = world.seats(1)
    renewed = replace(seats[0], secret=key_of("renewed"), leaf=0)
    with reverts("NoQuorum", 2, 3):
        at_two.advance(message, 1, at_two.sign(message, [renewed, *seats[1:]]))
    at_two.advance(message, 1, at_two.sign(message, seats))


def test_an_earlier_committee_signs_only_when_the_sitting_one_was_silent(at_two):
    world = at_two.world
    at_two.advance(at_two.message(previous=1), 1)
    opens_at = world.ends_at("checkpoint") + world.rounds["turnSeconds"]
    assert [tuple(found) for found in at_two.mirror.handovers()] == [(2, 0), (1, opens_at)]
    at_two.next_round()
    message = at_two.message(previous=2)
    bundle = at_two.sign(message, world.seats(1))
    world.next_at(opens_at - 1)
    with reverts("HandoverNotOpen", 1, opens_at):
        at_two.advance(message, 1, bundle)
    world.next_at(opens_at)
    at_two.advance(message, 1, bundle)
    assert at_two.mirror.mirrored()["round"] == 3


def test_a_committee_that_is_too_old_signs_no_more(at_two):
    world = at_two.world
    for number in range(2, 7):
        at_two.advance(at_two.message(previous=number - 1), number - 1)
        at_two.next_round()
    message = at_two.message(previous=6)
    world.reach(world.ends_at("checkpoint") + 100 * world.rounds["turnSeconds"])
    with reverts("CommitteeTooOld", 1, 6):
        at_two.advance(message, 1)
    assert [found["round"] for found in at_two.mirror.handovers()] == [6, 5, 4, 3, 2]


def test_a_committee_keeps_the_keys_that_it_was_mirrored_with(at_two):
    """A later message names others for the same validators: an honest one after a rotation, a false one at will."""
    world = at_two.world
    seats = world.seats(1)
    message = at_two.message(previous=1)
    named = tuple(MirrorSeat(ParticipantId(seat.id), key_of(f"{seat.name}'s own").public) for seat in seats)
    false = replace(message, committee=named)
    at_two.advance(false, 1, at_two.sign(false, seats))
    keys = [[bytes(seat["key"]["root"]) for seat in at_two.mirror.sitting(number)] for number in (1, 2)]
    assert keys == [[s.secret.public.root for s in seats], [named_one.key.root for named_one in named]]
    at_two.next_round()
    right = at_two.message(previous=2)
    bundle = at_two.sign(right, seats)
    world.next_at(false.round.checkpoint_ends_at + world.rounds["turnSeconds"])
    at_two.advance(right, 1, bundle)
    assert at_two.mirror.mirrored()["round"] == 3


# --- clients ---


def test_admit_proves_a_client_once(begun):
    world = begun.world
    assert begun.mirror.client(world.ben.id)[0] is False
    begun.admit(world.ben)
    active, shard, drawn, key = begun.mirror.client(world.ben.id)
    assert (active, shard, drawn, bytes(key["root"])) == (True, 0, True, world.ben.secret.public.root)
    assert begun.mirror.admitted([world.ada.id, world.ben.id, world.cleo.id]) == 0b010
    with reverts("AlreadyAdmitted", world.ben.id):
        begun.admit(world.ben)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"position": 0}, id="another position"),
        pytest.param({"position": 3}, id="a position beyond the last"),
        pytest.param({"path": []}, id="no path"),
        pytest.param({"id": 99}, id="another id"),
        pytest.param({"key": ("0x" + "11" * 16, "0x" + "22" * 24, 5)}, id="another key"),
        pytest.param({"anchor": word("another chain")[:28]}, id="another chain"),
        pytest.param({"first_round": 2}, id="another first round"),
    ],
)
def test_admit_reverts_when_not_a_client(begun, changed):
    with reverts("NotAClient"):
        begun.admit(begun.world.ben, **changed)


def test_admit_reverts_for_a_validator(begun):
    with reverts("NotAClient"):
        begun.admit(begun.world.ben, id=begun.world.vera.id)


def test_a_rotated_client_is_out_until_it_proves_its_new_key(at_two):
    world = at_two.world
    at_two.admit(world.ben)
    old = replace(world.ben)
    rotate(world, world.ben, key_of("ben's second"))
    tx = at_two.advance(at_two.message(previous=1, revoked=[world.ben, world.cleo]), 1)
    assert [event["id"] for event in tx.events["ClientRevoked"]] == [world.ben.id]
    assert at_two.mirror.client(world.ben.id)[0] is False
    at_two.clients[1] = old
    with reverts("NotAClient"):
        at_two.admit(old)
    at_two.clients[1] = world.ben
    at_two.admit(world.ben)
    assert bytes(at_two.mirror.client(world.ben.id)[3]["root"]) == key_of("ben's second").public.root


def test_a_client_that_left_cannot_come_back(at_two):
    world = at_two.world
    at_two.admit(world.ben)
    at_two.clients.remove(world.ben)
    at_two.advance(at_two.message(previous=1, revoked=[world.ben]), 1)
    at_two.clients.append(world.ben)
    with reverts("NotAClient"):
        at_two.admit(world.ben, position=2)


def test_countersign_reverts_for_a_round_that_is_shown(begun, by_anyone):
    with reverts("RoundNotLater", 1, 1):
        begun.mirror.countersign(1, begun.world.vera.id, 0, word("digest"), b"signature", by_anyone)


def test_committee_reverts_for_what_is_not_mirrored(begun):
    with reverts("NotMirrored", 2, 0):
        begun.mirror.committee(2, 0)
    with reverts("NotMirrored", 1, 1):
        begun.mirror.committee(1, 1)


# --- a shard behind a mirror ---


def test_shard_behind_a_mirror_that_shows_nothing_has_no_duty_for_anybody(glass):
    """A client that asks before the first message is told to wait, not that the chain is broken."""
    assert tuple(glass.shard.clientDuty(glass.world.ada.id)) == (0, 0, 0)


def test_shard_takes_commits_and_reveals_of_admitted_clients_only(begun):
    world = begun.world
    begun.admit(world.ada)
    world.commit(world.ada, shard=begun.shard)
    with reverts("NotActiveClient", world.ben.id):
        world.commit(world.ben, shard=begun.shard)
    world.reach(world.ends_at("commit"))
    world.reveal(world.ada, shard=begun.shard)
    assert begun.shard.revealsIn(1) == 1


def test_shard_behind_a_mirror_that_missed_the_round_takes_nothing(at_two):
    world = at_two.world
    at_two.admit(world.ada)
    with reverts("NotCurrentRound", 2, 1):
        world.commit(world.ada, shard=at_two.shard)


def test_a_commit_for_a_shard_is_good_for_no_other(begun):
    """The signature names the shard's address and chain: what a false chain collects cannot be used elsewhere."""
    world, update = begun.world, update_by(begun.world.ada)
    begun.admit(world.ada)
    commitment = compute_commitment(1, world.ada.id, update.root, update.digest, update.salt)
    digest = world.domain(begun.shard).commit(1, world.ada.id, GENESIS["modelRoot"], commitment)
    with reverts("BadSignature", world.ada.id):
        world.commit(world.ada, signature=world.ada.sign(digest))


def test_a_false_mirror_gets_nothing_accepted_by_the_beacon(glass):
    """Its deployer seats a committee of its own, which runs a whole round; the beacon knows another."""
    world = glass.world
    names = ("mallory 1", "mallory 2", "mallory 3", "mallory 4")
    false = [
        Member(name, 100 + i, None, LmsSecret.derive(5, word(name)[:16], word(name)[:24]))
        for i, name in enumerate(names)
    ]
    seats = tuple(MirrorSeat(ParticipantId(m.id), LmsPublicKey(*vars(m.secret.public).values())) for m in false)
    glass.begin(replace(glass.message(), committee=seats))
    glass.admit(world.ada)
    world.commit(world.ada, shard=glass.shard)
    world.reach(world.ends_at("commit"))
    world.reveal(world.ada, shard=glass.shard)
    world.reach(world.ends_at("reveal"))
    checkpoint = world.checkpoint([world.ada])
    digest = world.domain(world.beacon).checkpoint(checkpoint)
    with reverts("NoQuorum"):
        world.submit(checkpoint, bundle_of({seat: false[seat].attest(digest, seat) for seat in (0, 1, 2)}))
    glass.next_round()
    handed = glass.message(previous=1)
    glass.advance(handed, 1, glass.sign(handed, false))
    assert glass.mirror.mirrored()["round"] == 2
    assert world.beacon.checkpointAt(1, 0)["attested"] == 0
