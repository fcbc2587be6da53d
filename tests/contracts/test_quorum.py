"""LmsQuorum.

verify         reverts: NoSuchSeat · MalformedBundle (no mask, cut anywhere, trailing bytes)
               returns the seats that signed, however many; what is no signature of its seat counts for nothing (another
               seat's key, another digest, another seat or validator in what is signed, a key since retired, a client in
               the seat, nobody in the seat)
isAttestation  true under any key the validator has or had · false for another digest, validator, seat, key, for no key
"""

import pytest

from qfl.protocol.digests import seat_digest
from tests.contracts.bank import rotate
from tests.contracts.world import ANY_TURN, as_struct, bundle_of, key_of, reverts, word

DIGEST = word("digest")
SEAT = 2


@pytest.fixture
def quorum(world):
    return world.contracts.quorum


@pytest.fixture
def seats(world):
    """Who sits where: viktor in seat 0, vera in seat 1, vito in seat 2."""
    return [world.viktor, world.vera, world.vito]


@pytest.fixture
def committee(seats):
    return [member.id for member in seats]


def test_verify_reverts_when_no_such_seat(quorum, committee, seats):
    bundle = bundle_of({3: seats[0].attest(DIGEST, 3)})
    with reverts("NoSuchSeat", 3, 3):
        quorum.verify(DIGEST, ANY_TURN, committee, bundle)


@pytest.mark.parametrize("length", [0, 7, 9, 10, 1389, 1390, 1391, -1])
def test_verify_reverts_when_the_bundle_is_cut(quorum, committee, seats, length):
    """8 bytes of mask, then 2 of length and 1,380 of signature for each seat: 1,390 is the end of the first."""
    bundle = bundle_of({0: seats[0].attest(DIGEST, 0), 1: seats[1].attest(DIGEST, 1)})
    with reverts("MalformedBundle"):
        quorum.verify(DIGEST, ANY_TURN, committee, bundle[:length])


def test_verify_reverts_when_bytes_trail(quorum, committee, seats):
    with reverts("MalformedBundle"):
        quorum.verify(DIGEST, ANY_TURN, committee, bundle_of({0: seats[0].attest(DIGEST, 0)}) + b"\0")


def test_verify_reverts_when_a_signature_is_given_that_the_mask_does_not_name(quorum, committee, seats):
    bundle = bundle_of({0: seats[0].attest(DIGEST, 0), 1: seats[1].attest(DIGEST, 1)}, mask=1)
    with reverts("MalformedBundle"):
        quorum.verify(DIGEST, ANY_TURN, committee, bundle)


def test_a_signature_that_is_not_the_seats_counts_for_nothing(world, quorum, committee, seats):
    """It takes nothing from the others."""
    good, viktor = seats[0].attest(DIGEST, 0), seats[0].id
    others = seats[2].attest(DIGEST, 2), seats[2].attest(DIGEST, 1), seats[2].sign(seat_digest(DIGEST, seats[1].id, 1))
    own = seats[1].attest(word("another"), 1), seats[1].sign(DIGEST), seats[1].sign(seat_digest(DIGEST, viktor, 1))
    for bad in (*others, *own, seats[1].attest(DIGEST, 2), good, good[:-1], b""):
        assert quorum.verify(DIGEST, ANY_TURN, committee, bundle_of({0: good, 1: bad})) == 0b001
    with_a_client = [*committee[:1], world.ada.id, 99]
    signatures = {0: good, 1: world.ada.attest(DIGEST, 1), 2: world.ada.attest(DIGEST, 2)}
    assert quorum.verify(DIGEST, ANY_TURN, with_a_client, bundle_of(signatures)) == 0b001


def test_a_signature_under_a_key_that_was_retired_counts_for_nothing(world, quorum, committee, seats):
    viktor, new = seats[0], key_of("viktor's second")
    signature, other = viktor.attest(DIGEST, 0), seats[1].attest(DIGEST, 1)
    digest = world.domain(world.staking).rotation(viktor.id, new.public, 0)
    world.staking.rotateKey(viktor.id, as_struct(new), viktor.sign(digest), {"from": world.relayer})
    assert quorum.verify(DIGEST, ANY_TURN, committee, bundle_of({0: signature, 1: other})) == 0b010
    assert (
        quorum.verify(DIGEST, ANY_TURN, committee, bundle_of({0: new.sign(0, seat_digest(DIGEST, viktor.id, 0))}))
        == 0b001
    )


@pytest.mark.parametrize("signed", [(), (1,), (0, 2), (0, 1, 2)])
def test_verify_returns_the_seats_that_signed(quorum, committee, seats, signed):
    bundle = bundle_of({seat: seats[seat].attest(DIGEST, seat) for seat in signed})
    assert quorum.verify(DIGEST, ANY_TURN, committee, bundle) == sum(1 << seat for seat in signed)


def test_one_signature_counts_for_one_seat(world, quorum):
    """Where a second validator has bonded with vera's key, as anybody can, it must sign in its own name."""
    copycat = world.bond("copycat", "validator", key=world.vera.secret)
    committee = [world.vera.id, world.viktor.id, copycat.id]
    once = world.vera.attest(DIGEST, 0)
    assert quorum.verify(DIGEST, ANY_TURN, committee, bundle_of(dict.fromkeys(range(3), once))) == 0b001
    assert not quorum.isAttestation(copycat.id, 2, 0, DIGEST, ANY_TURN, once)
    assert quorum.isAttestation(copycat.id, 2, 0, DIGEST, ANY_TURN, copycat.attest(DIGEST, 2))


def test_verify_does_not_ask_for_leaf_order(quorum, committee, seats):
    """Others bundle these signatures, so an old leaf after a newer one is nothing wrong."""
    seats[0].leaf = 20
    assert quorum.verify(DIGEST, ANY_TURN, committee, bundle_of({0: seats[0].attest(DIGEST, 0)})) == 1
    seats[0].leaf = 3
    assert quorum.verify(DIGEST, ANY_TURN, committee, bundle_of({0: seats[0].attest(DIGEST, 0)})) == 1


# --- one attestation -------------------------------------------------------------------------------------------


def test_is_attestation_takes_any_key_the_validator_ever_had(quorum, world):
    """A rotation does not undo what was signed before it."""
    vera, old = world.vera, world.vera.secret
    before = vera.attest(DIGEST, SEAT)
    rotate(world, vera, key_of("vera's second"))
    assert quorum.isAttestation(vera.id, SEAT, 0, DIGEST, ANY_TURN, before)
    assert quorum.isAttestation(vera.id, SEAT, 1, DIGEST, ANY_TURN, vera.attest(DIGEST, SEAT))
    assert not quorum.isAttestation(vera.id, SEAT, 1, DIGEST, ANY_TURN, old.sign(9, seat_digest(DIGEST, vera.id, SEAT)))


def test_is_attestation_is_false_for_anything_else(quorum, world):
    signature = world.vera.attest(DIGEST, SEAT)
    assert not quorum.isAttestation(world.vera.id, SEAT, 0, word("another"), ANY_TURN, signature)
    assert not quorum.isAttestation(world.viktor.id, SEAT, 0, DIGEST, ANY_TURN, signature)
    assert not quorum.isAttestation(world.vera.id, SEAT + 1, 0, DIGEST, ANY_TURN, signature)
    assert not quorum.isAttestation(world.vera.id, SEAT, 1, DIGEST, ANY_TURN, signature)
    assert not quorum.isAttestation(world.vera.id, SEAT, 0, DIGEST, ANY_TURN, world.vera.sign(DIGEST))
    assert not quorum.isAttestation(world.vera.id, SEAT, 0, DIGEST, ANY_TURN, b"")
    assert not quorum.isAttestation(99, SEAT, 0, DIGEST, ANY_TURN, signature)
