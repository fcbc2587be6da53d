"""`Disputes` in a deployment with BLS: a seat answers for what its registered key signed.

disputeEquivocation  slashes the seat · its LMS signatures are no evidence there · reverts: BadAttestation (another
                     seat's key, a key it only registered later), KeyRetired
"""

from dataclasses import replace

import pytest

from qfl.crypto.bls_points import full_key, full_signature
from tests.contracts.attesters import bls_key_of, register
from tests.contracts.world import as_tuple, build, reverts, word

SEAT = 1


@pytest.fixture(scope="module")
def deployed(module_isolation):
    """The five validators have BLS keys."""
    world = build(quorum="bls")
    for name in ("vera", "viktor", "valentina", "vito", "violet"):
        register(world, world.contracts.quorum, world.members[name])
    return world


@pytest.fixture
def world(deployed, fn_isolation):
    """Leaf 0 of every key signed its registration."""
    fresh = deployed.fresh()
    for member in fresh.members.values():
        member.leaf = 1
    return fresh


@pytest.fixture
def pair(world):
    """Two checkpoints for one turn of round 1, which waits for its checkpoint."""
    world.run_to_checkpoint_phase()
    one = world.checkpoint((), count=1, included=1)
    return one, replace(one, aggregate_root=word("another aggregate"))


def attestations(world, pair, key):
    """Key and signature, 288 bytes, for both."""
    digests = [world.domain(world.beacon).checkpoint(checkpoint) for checkpoint in pair]
    return [full_key(key.public) + full_signature(key.sign(digest)) for digest in digests]


def dispute(world, pair, signatures, indices=(0, 0)):
    one, other = map(as_tuple, pair)
    arguments = one, other, SEAT, indices[0], signatures[0], indices[1], signatures[1]
    return world.contracts.disputes.disputeEquivocation(*arguments, {"from": world.challenger})


def test_a_seat_that_signed_twice_is_slashed(world, pair):
    seated = world.seats(1)[SEAT]
    before = world.staking.participant(seated.id)["stakeWei"]
    dispute(world, pair, attestations(world, pair, bls_key_of(seated.name)))
    assert world.staking.participant(seated.id)["stakeWei"] < before
    assert world.contracts.disputes.equivocated(1, 0) == 1 << SEAT


def test_nobody_is_convicted_by_another_seats_signatures(world, pair):
    signatures = attestations(world, pair, bls_key_of(world.seats(1)[0].name))
    with reverts("BadAttestation", SEAT, world.seats(1)[SEAT].id):
        dispute(world, pair, signatures)


def test_an_lms_signature_is_no_attestation_there(world, pair):
    seated = world.seats(1)[SEAT]
    digests = [world.domain(world.beacon).checkpoint(checkpoint) for checkpoint in pair]
    with reverts("BadAttestation", SEAT, seated.id):
        dispute(world, pair, [seated.sign(digest) for digest in digests])


def test_replacing_the_key_between_two_signatures_is_no_way_out(world, pair):
    seated = world.seats(1)[SEAT]
    register(world, world.contracts.quorum, seated, bls_key_of("second"))
    first = attestations(world, pair, bls_key_of(seated.name))[0]
    second = attestations(world, pair, bls_key_of("second"))[1]
    dispute(world, pair, [first, second], (0, 1))
    assert world.contracts.disputes.equivocated(1, 0) == 1 << SEAT


def test_a_key_that_was_retired_before_convicts_nobody(world):
    """So that it need not be guarded for ever."""
    world.open()
    seated = world.seats(1)[SEAT]
    retired = register(world, world.contracts.quorum, seated, bls_key_of("second")).timestamp
    world.reach(world.ends_at("reveal"))
    one = world.checkpoint((), count=1, included=1)
    pair = one, replace(one, aggregate_root=word("another aggregate"))
    with reverts("KeyRetired", seated.id, 0, retired):
        dispute(world, pair, attestations(world, pair, bls_key_of(seated.name)))
