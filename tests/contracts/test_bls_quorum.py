"""BlsQuorum: one signature for a committee, under keys that are registered and current.

verify
├── reverts  NoSuchSeat · MalformedBundle (cut anywhere, trailing bytes, a place too few)
│            NotCurrentKey (another seat's place, seats in another order, one seat twice, no such page or slot, a place
│            whose key was replaced or moved, a key that is not the validator's, a client, nobody)
│            BadAggregate (no seat, a seat less or more than signed, another digest, infinity) · PrecompileFailed
└── returns  the seats that signed: keys in one page, in two, in the bundle
isAttestation
├── false    another digest, another's key, another length, a key that never was, infinity
└── true     under the current key, and under a retired one
"""

import pytest

from qfl.chain.contracts.bls_quorum import KeyPlace
from qfl.crypto.bls import aggregate
from qfl.crypto.bls_points import full_key, full_signature
from qfl.quorum.bls import Aggregate, encode_aggregate
from tests.contracts.attesters import attested_by, bls_key_of, entries_of, register
from tests.contracts.test_bls import OUTSIDE_GROUP
from tests.contracts.world import ANY_TURN, reverts, word

DIGEST = word("digest")
SEAT = 2
"""All seats sign alike."""


@pytest.fixture(scope="module")
def packed(BlsQuorum, accounts, deployed):
    """The quorum: vera, viktor and valentina in page 0, vito registered but in no page, violet without a key."""
    world = deployed.fresh()
    quorum = accounts[0].deploy(BlsQuorum, world.staking)
    for member in (world.vera, world.viktor, world.valentina, world.vito):
        register(world, quorum, member)
    quorum.pack(entries_of([world.vera, world.viktor, world.valentina]), {"from": world.mallory})
    return quorum


@pytest.fixture
def quorum(packed, world):
    """It comes after `world`: keys have signed their registrations."""
    for member in (world.vera, world.viktor, world.valentina, world.vito):
        member.leaf = 1
    return packed


@pytest.fixture
def seats(world):
    """Who sits where, not in the order of their numbers."""
    return dict(enumerate([world.viktor, world.vito, world.vera, world.valentina]))


@pytest.fixture
def committee(seats):
    return [member.id for member in seats.values()]


def some(seats, *chosen):
    return {seat: seats[seat] for seat in chosen}


def signed_by(members, keys, digest=DIGEST):
    """A bundle of whatever keys, by seat."""
    signature = aggregate(bls_key_of(member.name).sign(digest) for member in members)
    return encode_aggregate(Aggregate(full_signature(signature), keys))


# --- what is refused -----------------------------------------------------------------------------------------


def test_verify_reverts_when_no_such_seat(quorum, committee, seats):
    bundle = attested_by(quorum, DIGEST, {4: seats[0]})
    with reverts("NoSuchSeat", 4, 4):
        quorum.verify(DIGEST, ANY_TURN, committee, bundle)


@pytest.mark.parametrize("length", [0, 7, 8, 199, 200, 201, 202, 203, 205, 300, -1])
def test_verify_reverts_when_the_bundle_is_cut(quorum, committee, seats, length):
    """8 bytes of mask, 192 of signature, 3 for a place, 98 for a key."""
    bundle = attested_by(quorum, DIGEST, some(seats, 0, 1, 2))
    with reverts("MalformedBundle"):
        quorum.verify(DIGEST, ANY_TURN, committee, bundle[:length])


def test_verify_reverts_when_bytes_trail(quorum, committee, seats):
    with reverts("MalformedBundle"):
        quorum.verify(DIGEST, ANY_TURN, committee, attested_by(quorum, DIGEST, some(seats, 0)) + b"\0")


def test_verify_reverts_when_a_seat_is_given_twice(quorum, committee, seats):
    """One vote cannot fill two seats: the second place is not that of the second seat's validator."""
    bundle = signed_by([seats[0], seats[0]], {0: KeyPlace(0, 1), 2: KeyPlace(0, 1)})
    with reverts("NotCurrentKey", seats[2].id):
        quorum.verify(DIGEST, ANY_TURN, committee, bundle)


def test_verify_reverts_when_keys_are_in_another_order_than_seats(quorum, committee, seats):
    bundle = signed_by([seats[0], seats[2]], {0: KeyPlace(0, 0), 2: KeyPlace(0, 1)})
    with reverts("NotCurrentKey", seats[0].id):
        quorum.verify(DIGEST, ANY_TURN, committee, bundle)


@pytest.mark.parametrize("place", [KeyPlace(0, 3), KeyPlace(0, 255), KeyPlace(1, 0), KeyPlace(0xFFFE, 0)])
def test_verify_reverts_when_there_is_no_such_entry(quorum, committee, seats, place):
    with reverts("NotCurrentKey", seats[0].id):
        quorum.verify(DIGEST, ANY_TURN, committee, signed_by([seats[0]], {0: place}))


def test_verify_reverts_when_a_given_key_is_not_the_seats(quorum, committee, seats):
    """A rogue committee member cannot bring a key of its own making for another's seat."""
    with reverts("NotCurrentKey", seats[1].id):
        quorum.verify(DIGEST, ANY_TURN, committee, signed_by([seats[0]], {1: full_key(bls_key_of("viktor").public)}))


@pytest.mark.parametrize("who", ["ada", "violet"])
def test_verify_reverts_when_a_seat_has_no_key(world, quorum, who):
    member = getattr(world, who)
    with reverts("NotCurrentKey", member.id):
        quorum.verify(DIGEST, ANY_TURN, [member.id], signed_by([member], {0: full_key(bls_key_of(who).public)}))


def test_verify_reverts_when_the_key_in_the_page_was_replaced(world, quorum, committee, seats):
    bundle = attested_by(quorum, DIGEST, some(seats, 0, 2))
    register(world, quorum, seats[0], bls_key_of("viktor's second"))
    with reverts("NotCurrentKey", seats[0].id):
        quorum.verify(DIGEST, ANY_TURN, committee, bundle)
    others = attested_by(quorum, DIGEST, some(seats, 2, 3))
    assert quorum.verify(DIGEST, ANY_TURN, committee, others) == 0b1100  # they are in the same page


def test_verify_reverts_when_nobody_signed(quorum, committee):
    """The sum of no keys is infinity, under which infinity would sign everything."""
    with reverts("BadAggregate", 0):
        quorum.verify(DIGEST, ANY_TURN, committee, bytes(200))


def test_verify_reverts_for_infinity(quorum, committee):
    with reverts("BadAggregate", 1):
        quorum.verify(DIGEST, ANY_TURN, committee, encode_aggregate(Aggregate(bytes(192), {0: KeyPlace(0, 1)})))


@pytest.mark.parametrize(("signed", "claimed"), [((0, 1), (0, 1, 2)), ((0, 1, 2), (0, 1)), ((0, 1), (0, 2))])
def test_verify_reverts_when_others_signed_than_the_mask_says(quorum, committee, seats, signed, claimed):
    keys = {0: KeyPlace(0, 1), 1: full_key(bls_key_of("vito").public), 2: KeyPlace(0, 0)}
    bundle = signed_by([seats[seat] for seat in signed], {seat: keys[seat] for seat in claimed})
    with reverts("BadAggregate"):
        quorum.verify(DIGEST, ANY_TURN, committee, bundle)


def test_verify_reverts_when_another_digest_was_signed(quorum, committee, seats):
    with reverts("BadAggregate", 0b101):
        quorum.verify(word("another"), ANY_TURN, committee, attested_by(quorum, DIGEST, some(seats, 0, 2)))


def test_verify_reverts_when_one_of_them_signed_another_digest(quorum, committee, seats):
    signatures = [bls_key_of("viktor").sign(DIGEST), bls_key_of("vera").sign(word("another"))]
    bundle = encode_aggregate(Aggregate(full_signature(aggregate(signatures)), {0: KeyPlace(0, 1), 2: KeyPlace(0, 0)}))
    with reverts("BadAggregate", 0b101):
        quorum.verify(DIGEST, ANY_TURN, committee, bundle)


def test_verify_reverts_for_a_signature_that_is_no_point(quorum, committee):
    bundle = encode_aggregate(Aggregate((1).to_bytes(48) * 4, {0: KeyPlace(0, 1)}))
    with reverts("PrecompileFailed", 15):
        quorum.verify(DIGEST, ANY_TURN, committee, bundle)


# --- what is accepted ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("signed", [(0,), (1,), (0, 2), (0, 2, 3), (0, 1, 2, 3)])
def test_verify_returns_the_seats_that_signed(quorum, committee, seats, signed):
    """Seat 1's key is in no page."""
    bundle = attested_by(quorum, DIGEST, some(seats, *signed))
    assert quorum.verify(DIGEST, ANY_TURN, committee, bundle) == sum(1 << seat for seat in signed)


def test_verify_reads_keys_from_several_pages(world, quorum, committee, seats):
    quorum.pack(entries_of([world.vito]), {"from": world.mallory})
    assert quorum.verify(DIGEST, ANY_TURN, committee, attested_by(quorum, DIGEST, seats)) == 0b1111


def test_a_committee_may_have_64_seats(quorum, seats):
    members = [seats[0]] * 63 + [seats[2]]
    bundle = attested_by(quorum, DIGEST, {63: seats[2]})
    assert quorum.verify(DIGEST, ANY_TURN, [member.id for member in members], bundle) == 1 << 63


# --- one attestation -----------------------------------------------------------------------------------------


def attestation(name, digest=DIGEST):
    return full_key(bls_key_of(name).public) + full_signature(bls_key_of(name).sign(digest))


def test_attestation_holds_under_current_and_retired_keys(world, quorum):
    assert quorum.isAttestation(world.vera.id, SEAT, 0, DIGEST, ANY_TURN, attestation("vera"))
    assert quorum.keyRetiredAt(world.vera.id, 0) == 0
    retired = register(world, quorum, world.vera, bls_key_of("vera's second"))
    assert quorum.isAttestation(world.vera.id, SEAT, 0, DIGEST, ANY_TURN, attestation("vera"))
    assert quorum.isAttestation(world.vera.id, SEAT, 1, DIGEST, ANY_TURN, attestation("vera's second"))
    assert quorum.keyRetiredAt(world.vera.id, 0) == retired.timestamp
    assert quorum.keyRetiredAt(world.vera.id, 1) == 0


def test_attestation_is_none(world, quorum):
    """What an accuser could bring."""
    vera, signature = world.vera.id, attestation("vera")
    assert not quorum.isAttestation(vera, SEAT, 0, word("another"), ANY_TURN, signature)
    assert not quorum.isAttestation(vera, SEAT, 0, DIGEST, ANY_TURN, attestation("viktor"))
    assert not quorum.isAttestation(vera, SEAT, 1, DIGEST, ANY_TURN, signature)
    assert not quorum.isAttestation(world.violet.id, SEAT, 0, DIGEST, ANY_TURN, attestation("violet"))
    assert not quorum.isAttestation(vera, SEAT, 0, DIGEST, ANY_TURN, signature[:-1])
    assert not quorum.isAttestation(vera, SEAT, 0, DIGEST, ANY_TURN, signature + b"\0")
    assert not quorum.isAttestation(vera, SEAT, 0, DIGEST, ANY_TURN, signature[:96] + bytes(192))


def test_attestation_reverts_for_no_point_of_the_group(world, quorum):
    """It says neither yes nor no, like a check that ran out of gas."""
    with reverts("PrecompileFailed", 15):
        quorum.isAttestation(world.vera.id, SEAT, 0, DIGEST, ANY_TURN, attestation("vera")[:96] + OUTSIDE_GROUP * 2)
