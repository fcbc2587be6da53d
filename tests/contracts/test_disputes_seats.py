"""Disputes about what a seat signed.

disputeEquivocation  reverts: NoSuchShard (and no such round), NoSuchSeat, NotEquivocation (equal, other round, shard
                     or turn), BadAttestation (another's key, a key that never was, another chain or contract, altered,
                     malformed), KeyRetired (before, and long ago), AlreadyProven
                     slashes the seat once a round, voids nothing · a retired key's signature of its own time ·
                     a seat on its way out, one that left · a challenger's contract that calls back
"""

from dataclasses import replace

import pytest
from brownie import GreedyChallenger, chain

from qfl.protocol.digests import Domain, seat_digest
from tests.contracts.dispute_testnet import EQUIVOCATION, VALIDATORS, set_up_disputes
from tests.contracts.world import as_struct, as_tuple, key_of, reverts, word

SEAT = 2


@pytest.fixture(scope="module")
def deployed(module_isolation):
    """Six validators for four seats: two of a committee sit in the next one too, at least."""
    return set_up_disputes(validators=VALIDATORS[:6])


@pytest.fixture
def court(deployed, fn_isolation):
    """A round that waits for its checkpoint."""
    court = deployed.fresh()
    court.run_to_checkpoint_phase()
    return court


@pytest.fixture
def pair(court):
    """Two checkpoints of one round, shard and turn."""
    one = court.checkpoint((), count=1, included=1)
    return one, replace(one, aggregate_root=word("another aggregate"))


def sign(court, checkpoint, member, domain=None, seat=SEAT):
    return member.attest((domain or court.domain(court.beacon)).checkpoint(checkpoint), seat)


def prove(court, pair, signatures, seat=SEAT, indices=(0, 0), by=None):
    (one, other), (first, second) = pair, signatures
    arguments = as_tuple(one), as_tuple(other), seat, indices[0], first, indices[1], second
    return court.disputes.disputeEquivocation(*arguments, by or court.by())


def signed_pair(court, pair, seat=SEAT):
    return [sign(court, checkpoint, court.seats(1)[seat], seat=seat) for checkpoint in pair]


def rotate(court, member, name):
    """Replace `member`'s key by the one called `name`."""
    key = key_of(name)
    nonce = court.staking.participant(member.id)["nonce"]
    digest = court.domain(court.staking).rotation(member.id, key.public, nonce)
    court.staking.rotateKey(member.id, as_struct(key), member.sign(digest), court.by())
    member.secret, member.leaf = key, 0


def test_a_seat_that_signed_twice_is_slashed_once(court, pair):
    signatures = signed_pair(court, pair)
    before = court.books()
    tx = prove(court, pair, signatures)
    court.assert_punished(tx, before, EQUIVOCATION, 0, [court.seats(1)[SEAT].id])
    assert court.disputes.equivocated(1, 0) == 1 << SEAT
    for again in (pair, pair[::-1]):
        with reverts("AlreadyProven", 1, 0, SEAT):
            prove(court, again, signatures if again is pair else signatures[::-1])


def test_every_seat_answers_for_itself(court, pair):
    for seat in (0, 3):
        prove(court, pair, signed_pair(court, pair, seat), seat)
    assert court.disputes.equivocated(1, 0) == 0b1001


def test_the_accepted_checkpoint_stands(court, pair):
    court.submit(pair[0])
    prove(court, pair, signed_pair(court, pair))
    assert not court.beacon.checkpointAt(1, 0)["voided"]
    assert court.beacon.headRound() == 1


def test_a_seat_on_its_way_out_is_slashed(court, pair):
    seat = court.seats(1)[SEAT]
    court.staking.requestExit(seat.id, seat.sign(court.domain(court.staking).exit(seat.id, 0)), court.by())
    before = court.books()
    tx = prove(court, pair, signed_pair(court, pair))
    court.assert_punished(tx, before, EQUIVOCATION, 0, [seat.id])


def test_a_seat_that_left_has_nothing_to_lose(court, pair):
    seat = court.seats(1)[SEAT]
    signatures = signed_pair(court, pair)
    court.staking.requestExit(seat.id, seat.sign(court.domain(court.staking).exit(seat.id, 0)), court.by())
    court.reach(court.staking.participant(seat.id)["exitableAt"])
    court.staking.withdraw(seat.id, court.by())
    before = court.books()
    assert prove(court, pair, signatures).events["FaultProven"]["takenWei"] == 0
    assert court.books() == before


def test_signatures_of_a_key_and_of_its_successor_count_together(court, pair):
    """Replacing the key between two signatures does not make two seats of one."""
    seat = court.seats(1)[SEAT]
    first = sign(court, pair[0], seat)
    rotate(court, seat, "the seat's second")
    second = sign(court, pair[1], seat)
    before = court.books()
    tx = prove(court, pair, [first, second], indices=(0, 1))
    court.assert_punished(tx, before, EQUIVOCATION, 0, [seat.id])


def test_a_challenger_that_calls_back_is_paid_once(court, pair):
    greedy = court.mallory.deploy(GreedyChallenger)
    first, second = signed_pair(court, pair)
    arguments = as_tuple(pair[0]), as_tuple(pair[1]), SEAT, 0, first, 0, second
    seat, before = court.seats(1)[SEAT], court.books()
    proof = court.disputes.disputeEquivocation.encode_input(*arguments)
    greedy.bring(court.disputes, proof, {"from": court.mallory})
    assert greedy.payments() == 1
    assert court.stakes() == before.stakes | {seat.id: before.stakes[seat.id] // 2}
    assert greedy.balance() == before.stakes[seat.id] // 8


# --- what proves nothing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "value"), [("turn", 1), ("round", 2), ("shard", 1)])
def test_reverts_when_checkpoints_are_of_different_turns_rounds_or_shards(court, pair, name, value):
    """A seat may sign in every turn, so two signatures that differ in it do no harm."""
    pair = pair[0], replace(pair[1], **{name: value})
    before = court.books()
    for given in (pair, pair[::-1]):
        signatures = signed_pair(court, given)
        with reverts("NotEquivocation"):
            prove(court, given, signatures)
    assert court.books() == before


def test_reverts_when_a_checkpoint_was_signed_twice(court, pair):
    """Two leaves over one checkpoint, as after a restart that lost the first signature."""
    twice = pair[0], pair[0]
    signatures = signed_pair(court, twice)
    assert signatures[0] != signatures[1]
    with reverts("NotEquivocation"):
        prove(court, twice, signatures)


def test_reverts_when_there_is_no_such_seat_shard_or_round(court, pair):
    signatures = signed_pair(court, pair)
    for seat in (4, 63, 64, 255):
        with reverts("NoSuchSeat", seat, 4):
            prove(court, pair, signatures, seat)
    for name, value, shards in (("shard", 1, 1), ("round", 2, 0), ("round", 2**64 - 1, 0)):
        elsewhere = [replace(checkpoint, **{name: value}) for checkpoint in pair]
        with reverts("NoSuchShard", elsewhere[0].shard, shards):
            prove(court, elsewhere, signatures)


def test_a_forged_message_slashes_nobody(court, pair):
    """Signed by mallory's key, by another seat's, in another seat or none, for another chain or contract, or over
    something else.
    """
    seat, beacon = court.seats(1)[SEAT], court.domain(court.beacon)
    right = signed_pair(court, pair)
    elsewhere = [
        Domain(beacon.chain_id + 1, beacon.contract),
        court.domain(court.staking),
        court.domain(court.shard),
        court.domain(court.disputes),
    ]
    forged = [
        key_of("mallory").sign(0, seat_digest(beacon.checkpoint(pair[1]), seat.id, SEAT)),
        sign(court, pair[1], court.seats(1)[0]),
        sign(court, pair[1], seat, seat=SEAT + 1),
        seat.sign(beacon.checkpoint(pair[1])),
        *(sign(court, pair[1], seat, domain) for domain in elsewhere),
        right[0],
        right[1][:-1] + bytes([right[1][-1] ^ 1]),
        right[1] + b"\x00",
        right[1][:-1],
        b"",
    ]
    before = court.books()
    for signature in forged:
        with reverts("BadAttestation", SEAT, seat.id):
            prove(court, pair, [right[0], signature])
        with reverts("BadAttestation", SEAT, seat.id):
            prove(court, pair[::-1], [signature, right[0]])
    assert court.books() == before


def test_reverts_when_the_key_never_was(court, pair):
    """What is not there reads as a key of zeros, which signs nothing."""
    signatures = signed_pair(court, pair)
    for index in (1, 2**32 - 1):
        with reverts("BadAttestation", SEAT, court.seats(1)[SEAT].id):
            prove(court, pair, signatures, indices=(0, index))


def test_reverts_when_the_key_was_retired_before(court):
    """Whoever finds an old key cannot slash its owner in later rounds."""
    members, domain = court.seats(1), court.domain(court.beacon)
    stolen = {member.id: member.secret for member in members}
    for member in members:
        rotate(court, member, f"{member.name}'s second")
    court.reach(court.ends_at("checkpoint"))
    court.run_to_checkpoint_phase()
    seat, member = next((i, member) for i, member in enumerate(court.seats(2)) if member in members)
    retired_at = court.staking.keyRetiredAt(member.id, 0)
    pair = [court.checkpoint((), count=1, included=1, content_digest=word(text)) for text in ("one", "other")]
    digests = [seat_digest(domain.checkpoint(checkpoint), member.id, seat) for checkpoint in pair]
    forged = [stolen[member.id].sign(20 + i, digest) for i, digest in enumerate(digests)]
    with reverts("KeyRetired", member.id, 0, retired_at):
        prove(court, pair, forged, seat)
    honest = sign(court, pair[0], member, seat=seat)
    with reverts("KeyRetired", member.id, 0, retired_at):
        prove(court, pair, [honest, forged[1]], seat, indices=(1, 0))


def test_a_replaced_key_speaks_for_old_rounds_as_long_as_a_stake_is_liable(court, pair):
    """Whoever finds it later cannot slash its owner for a round in which it was current."""
    signatures, seat = signed_pair(court, pair), court.seats(1)[SEAT]
    rotate(court, seat, "second")
    retired_at, unbonding = court.staking.keyRetiredAt(seat.id, 0), court.staking.unbondingSeconds()
    court.next_at(retired_at + unbonding)
    with reverts("KeyRetired", seat.id, 0, retired_at):
        prove(court, pair, signatures)
    chain.undo()
    court.next_at(retired_at + unbonding - 1)
    prove(court, pair, signatures)
