"""Disputes about what a checkpoint includes.

disputeUpdates  reverts: NoCheckpoint, NotAccepted, ShardElsewhere, WrongCount, NotRevealed, UpdatesAreRight
                a number that no reveal has · another root than that of the revealed updates · all 256 numbers
disputeNorm     reverts: NoCheckpoint, NotAccepted, NotOpened (update, chunks), WrongCount, WithinNorm
                one over the bound · lanes of 4, 8 and 16 bits, salted or not, from a seed of zeros too · lanes
                behind the last coordinate
constructor     reverts: NotExpected, WrongShard, WrongMode
"""

from dataclasses import replace

import numpy as np
import pytest
from brownie import Disputes

from qfl.protocol.chunks import merkle_root, update_leaf
from qfl.protocol.lanes import lane_limits
from qfl.protocol.rule import squared_norm
from scripts.deploy import NOBODY
from tests.contracts.dispute_testnet import NORM, SHAPE, UPDATES, Update, Vector, set_up_disputes
from tests.contracts.world import as_tuple, leaves_of, reverts, update_by, word

BOUND = 10**6


@pytest.fixture(scope="module")
def deployed(module_isolation):
    court = set_up_disputes(normBound=BOUND)
    for name in ("ada", "ben", "cleo"):
        court.bond(name, "client")
    return court


@pytest.fixture
def court(deployed, fn_isolation):
    return deployed.fresh()


@pytest.fixture(scope="module")
def deployed_privately(module_isolation):
    return set_up_disputes(normBound=BOUND, is_private=True)


@pytest.fixture
def private_court(deployed_privately, fn_isolation):
    return deployed_privately.fresh()


@pytest.fixture
def people(court):
    """Three clients that committed and revealed, in this order, in a round whose committee may attest now."""
    members = [court.cleo, court.ada, court.ben]
    court.run_to_checkpoint_phase(members)
    return members


def as_revealed(member, **changed):
    update = update_by(member)
    return tuple(({"client": member.id, "root": update.root, "digest": update.digest} | changed).values())


def submitted(court, members, **changed):
    checkpoint = court.checkpoint(members, **changed)
    court.submit(checkpoint)
    return checkpoint


def assert_convicted(court, fault, checkpoint, call, *arguments):
    before, guilty = court.books(), court.attesters(checkpoint)
    tx = call(*arguments, court.by())
    court.assert_punished(tx, before, fault, checkpoint.shard, guilty)
    with reverts("NoCheckpoint", checkpoint.round, checkpoint.shard):
        call(*arguments, court.by())


# --- included updates that nobody revealed ---------------------------------------------------------------------


@pytest.mark.parametrize("included", [0b1000, 0b1001, 1 << 255, 2**256 - 1])
def test_a_number_that_no_reveal_has_is_proven(court, people, included):
    checkpoint = submitted(court, people, included=included, count=included.bit_count())
    assert_convicted(court, UPDATES, checkpoint, court.disputes.disputeUpdates, as_tuple(checkpoint), [])


def test_a_made_up_client_is_proven(court, people):
    leaves = [*leaves_of(people[:2]), update_leaf(77, word("root"), word("digest"))]
    checkpoint = submitted(court, people, updates_root=merkle_root(leaves))
    proof = as_tuple(checkpoint), [as_revealed(member) for member in people]
    assert_convicted(court, UPDATES, checkpoint, court.disputes.disputeUpdates, *proof)


def test_updates_in_another_order_are_proven(court, people):
    checkpoint = submitted(court, people, updates_root=merkle_root(leaves_of(people[::-1])))
    proof = as_tuple(checkpoint), [as_revealed(member) for member in people]
    assert_convicted(court, UPDATES, checkpoint, court.disputes.disputeUpdates, *proof)


def test_another_update_than_the_included_number_is_proven(court, people):
    """Number 1 is said to be included, and number 2 is what the root has: its client would take the reward."""
    checkpoint = submitted(court, people[2:], included=0b010)
    proof = as_tuple(checkpoint), [as_revealed(people[1])]
    assert_convicted(court, UPDATES, checkpoint, court.disputes.disputeUpdates, *proof)


@pytest.mark.parametrize("included", [0b111, 0b101, 0b010, 0b100])
def test_dispute_updates_reverts_when_updates_are_right(court, people, included):
    chosen = [member for i, member in enumerate(people) if included >> i & 1]
    checkpoint = submitted(court, chosen, included=included)
    before = court.books()
    with reverts("UpdatesAreRight", checkpoint.updates_root):
        court.disputes.disputeUpdates(as_tuple(checkpoint), [as_revealed(m) for m in chosen], court.by())
    assert court.books() == before


def test_dispute_updates_reverts_when_given_what_was_not_revealed(court, people):
    checkpoint = as_tuple(submitted(court, people))
    right = [as_revealed(member) for member in people]
    wrong = [
        (0, [right[1], right[0], right[2]]),
        (1, [right[0], right[0], right[2]]),
        (2, [*right[:2], as_revealed(people[2], root=word("other"))]),
        (2, [*right[:2], as_revealed(people[2], digest=word("other"))]),
        (2, [*right[:2], (people[1].id, *right[2][1:])]),
        (2, [*right[:2], (0, *right[2][1:])]),
    ]
    for index, updates in wrong:
        with reverts("NotRevealed", updates[index][0], index):
            court.disputes.disputeUpdates(checkpoint, updates, court.by())
    for updates in ([], right[:2], [*right, right[0]]):
        with reverts("WrongCount", "updates", len(updates), 3):
            court.disputes.disputeUpdates(checkpoint, updates, court.by())


def test_dispute_updates_reverts_when_a_commitment_was_never_opened(court):
    """A client that committed and did not reveal cannot be used to convict who left it out."""
    court.open()
    for member in (court.ada, court.ben):
        court.commit(member, signed_base=court.genesis.root)
    court.reach(court.ends_at("commit"))
    court.reveal(court.ben)
    court.reach(court.ends_at("reveal"))
    checkpoint = submitted(court, [court.ben])
    with reverts("NotRevealed", court.ada.id, 0):
        court.disputes.disputeUpdates(as_tuple(checkpoint), [as_revealed(court.ada)], court.by())
    with reverts("UpdatesAreRight"):
        court.disputes.disputeUpdates(as_tuple(checkpoint), [as_revealed(court.ben)], court.by())


def test_disputes_revert_when_the_checkpoint_is_missing_or_another(court, people):
    checkpoint = court.checkpoint(people)
    update = as_revealed(people[0])
    norm = (0, update, court.path(people, 0), [bytes(32)] * 3, bytes(32))
    for error, arguments in (("NoCheckpoint", (1, 0)), ("NotAccepted", (1, 0))):
        with reverts(error, *arguments):
            court.disputes.disputeUpdates(as_tuple(checkpoint), [update], court.by())
        with reverts(error, *arguments):
            court.disputes.disputeNorm(as_tuple(checkpoint), *norm, court.by())
        if error == "NoCheckpoint":
            court.submit(replace(checkpoint, aggregate_root=word("other")))


def test_dispute_updates_reverts_when_the_shard_is_unknown(court):
    """The owner may add shards after this contract was deployed; it can only speak for those it knows."""
    rounds = court.rounds | {"shards": 2}
    court.beacon.setParameters(list(rounds.values()), {"from": court.owner})
    court.run_to_checkpoint_phase()
    checkpoint = court.checkpoint((), shard=1, count=1, included=1)
    court.submit(checkpoint)
    with reverts("ShardElsewhere", 1):
        court.disputes.disputeUpdates(as_tuple(checkpoint), [], court.by())


# --- the norm bound --------------------------------------------------------------------------------------------


def lanes_of_norm(norm):
    """Lanes whose squares sum up to `norm`: the largest first, then what is left over."""
    lanes = np.zeros(SHAPE.total, np.int16)
    for i in range(SHAPE.total):
        lanes[i] = -(int(norm**0.5)) if i % 2 else int(norm**0.5)
        norm -= int(lanes[i]) ** 2
    assert norm == 0
    return lanes


def include(court, lanes, seed=b"", bits=16):
    """A round whose second of three included updates has these lanes."""
    updates = court.updates(3)
    updates[1] = Update(102, Vector(lanes, bits, seed))
    court.run_to_checkpoint_phase()
    return court.attest(updates)


def test_an_update_over_the_bound_is_proven(court):
    attested = include(court, lanes_of_norm(BOUND + 1))
    proof = attested.norm_proof(1)
    assert_convicted(court, NORM, attested.checkpoint, court.disputes.disputeNorm, *proof)


@pytest.mark.parametrize("seed", [word("seed"), bytes(32)], ids=["seed", "zeros"])
def test_a_salted_update_over_the_bound_is_proven_whatever_its_seed_is(private_court, seed):
    attested = include(private_court, lanes_of_norm(BOUND + 1), seed)
    proof = attested.norm_proof(1)
    assert_convicted(private_court, NORM, attested.checkpoint, private_court.disputes.disputeNorm, *proof)


def assert_within_bound(court, seed=b""):
    attested = include(court, lanes_of_norm(BOUND), seed)
    before = court.books()
    with reverts("WithinNorm", BOUND, BOUND):
        court.disputes.disputeNorm(*attested.norm_proof(1), court.by())
    assert court.books() == before


def test_an_update_at_the_bound_is_within(court):
    assert_within_bound(court)


@pytest.mark.parametrize("seed", [word("seed"), bytes(32)], ids=["seed", "zeros"])
def test_a_salted_update_at_the_bound_is_within(private_court, seed):
    assert_within_bound(private_court, seed)


@pytest.mark.parametrize("lane", [-(2**15), 2**15 - 1])
def test_extreme_lanes_have_their_whole_weight(court, lane):
    attested = include(court, np.full(SHAPE.total, lane, np.int16))
    before, guilty = court.books(), court.attesters(attested.checkpoint)
    tx = court.disputes.disputeNorm(*attested.norm_proof(1), court.by())
    court.assert_punished(tx, before, NORM, 0, guilty)


def test_lanes_behind_the_last_coordinate_count(court):
    """No honest committee includes such an update: its root is not that of its lanes."""
    lanes = np.append(np.zeros(SHAPE.total, np.int16), np.int16(1001))
    updates = court.updates(1)
    padded = Update(updates[0].client, Vector(lanes, 16))
    court.run_to_checkpoint_phase()
    attested = replace(court.attest(updates, updates_root=merkle_root([padded.leaf])), updates=[padded])
    assert_convicted(court, NORM, attested.checkpoint, court.disputes.disputeNorm, *attested.norm_proof(0))


@pytest.mark.parametrize("bits", [4, 8])
def test_narrow_lanes_are_added_up_as_such(fn_isolation, bits):
    lanes = np.array([*lane_limits(bits)] * (SHAPE.total // 2) + [5], np.int8)
    court = set_up_disputes(laneBits=bits, normBound=squared_norm(lanes) - 1)
    attested = include(court, lanes, bits=bits)
    proof = attested.norm_proof(1)
    assert_convicted(court, NORM, attested.checkpoint, court.disputes.disputeNorm, *proof)


def test_dispute_norm_reverts_when_the_update_is_not_included(court):
    attested = include(court, lanes_of_norm(BOUND + 1))
    checkpoint, _, update, path, chunks, seed = attested.norm_proof(1)
    wrong = [
        (0, update, path),
        (3, update, path),
        (65_535, update, path),
        (1, (103, *update[1:]), path),
        (1, (update[0], update[1], word("other")), path),
        (1, update, path[:1]),
        (1, update, []),
        (1, update, [*path, bytes(32)]),
    ]
    for position, given, siblings in wrong:
        with reverts("NotOpened", "update", position):
            court.disputes.disputeNorm(checkpoint, position, given, siblings, chunks, seed, court.by())


def test_dispute_norm_reverts_when_salts_are_not_of_the_mode(court, private_court):
    """An update without salts where all have some, and one with salts where none has any."""
    for place, seed in ((private_court, b""), (court, word("seed"))):
        attested = include(place, lanes_of_norm(BOUND + 1), seed)
        with reverts("NotOpened", "chunks", 1):
            place.disputes.disputeNorm(*attested.norm_proof(1), place.by())


def test_dispute_norm_reverts_when_the_lanes_are_not_the_updates(private_court):
    court = private_court
    attested = include(court, lanes_of_norm(BOUND), word("seed"))
    *proof, chunks, seed = attested.norm_proof(1)
    for other in ([], chunks[:2], [*chunks, bytes(32)]):
        with reverts("WrongCount", "chunks", len(other), 3):
            court.disputes.disputeNorm(*proof, other, seed, court.by())
    heavier = [*chunks[:2], b"\x7f" + chunks[2][1:]]
    for other, salt in ((heavier, seed), (chunks[::-1], seed), (chunks, bytes(32)), (chunks, word("other"))):
        with reverts("NotOpened", "chunks", 1):
            court.disputes.disputeNorm(*proof, other, salt, court.by())


# --- deployment ------------------------------------------------------------------------------------------------


def test_constructor_reverts_when_the_beacon_expects_another(court):
    with reverts("NotExpected"):
        court.owner.deploy(Disputes, court.beacon, court.staking, court.contracts.shards, court.demands, NOBODY)


def test_constructor_reverts_when_shards_are_out_of_order(fn_isolation):
    court = set_up_disputes(shards=2, seats=1)
    with reverts("WrongShard", 1, 0):
        court.owner.deploy(Disputes, court.beacon, court.staking, court.contracts.shards[::-1], court.demands, NOBODY)


def test_constructor_reverts_when_shards_are_of_the_other_mode(court, private_court):
    for place, other, is_private in ((court, private_court, False), (private_court, court, True)):
        assert place.disputes.isPrivate() is is_private
        with reverts("WrongMode", 0, not is_private):
            court.owner.deploy(Disputes, place.beacon, place.staking, place.contracts.shards, other.demands, NOBODY)
