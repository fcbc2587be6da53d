"""Shard: commits and reveals.

commit      reverts: NotCurrentRound, WrongPhase (idle, boundary, late), NotActiveClient (unknown, validator, leaving),
            NotInShard, NotDrawn (more want a place than there are, bonded after the opening), WrongBase,
            AlreadyCommitted, EmptyCommitment, ShardFull, LeafReused, BadSignature (forger in the client's own account,
            other round, other shard, other chain, changed commitment)
            any carrier · stored · a forgery takes nobody's slot · after a rotation leaf 0 counts again
reveal      reverts: NotCurrentRound, WrongPhase (boundaries), NotCommitted, AlreadyRevealed, CommitmentMismatch
            (other salt, a copier of another's commitment) · numbered in order, from 0 in every round
            what was counted in a round stays known when the next one counts (with a proof: test_private_reveal.py)
"""

import pytest
from brownie import chain, web3
from eth_abi import encode
from eth_utils import keccak

from qfl.protocol.digests import Domain, compute_commitment, reveals_hash
from qfl.protocol.types import Reveal
from tests.contracts.world import (
    CHECKPOINT,
    COMMIT,
    GENESIS,
    IDLE,
    REVEAL,
    as_struct,
    build,
    fill,
    key_of,
    request,
    reverts,
    round_slot,
    update_by,
    word,
)

WAIT = 1


def commitment_of(member, round_number=1):
    update = update_by(member)
    return compute_commitment(round_number, member.id, update.root, update.digest, update.salt)


def without_flags(value):
    return "0x" + (int.from_bytes(value) & ~3).to_bytes(32).hex()


# --- commit ----------------------------------------------------------------------------------------------------


def test_commit_reverts_when_no_round_was_opened(world):
    with reverts("WrongPhase", IDLE, COMMIT):
        world.commit(world.ada)


@pytest.mark.parametrize("given", [0, 2])
def test_commit_reverts_when_not_current_round(opened, given):
    with reverts("NotCurrentRound", given, 1):
        opened.commit(opened.ada, round=given)


def test_commit_reverts_when_the_phase_ended_this_second(opened):
    opened.next_at(opened.ends_at("commit"))
    with reverts("WrongPhase", REVEAL, COMMIT):
        opened.commit(opened.ada)


def test_commit_is_accepted_in_the_last_second(opened):
    opened.next_at(opened.ends_at("commit") - 1)
    assert "Committed" in opened.commit(opened.ada).events


def test_commit_reverts_when_the_client_is_unknown(opened):
    with reverts("NotActiveClient", 99):
        opened.commit(opened.ada, client=99)


def test_commit_reverts_when_a_validator_commits(opened):
    with reverts("NotActiveClient", opened.vera.id):
        opened.commit(opened.vera)


def test_commit_reverts_when_the_client_is_leaving(opened):
    ada = opened.ada
    signature = ada.sign(opened.domain(opened.staking).exit(ada.id, 0))
    opened.staking.requestExit(ada.id, signature, {"from": opened.relayer})
    with reverts("NotActiveClient", ada.id):
        opened.commit(ada)


def test_commit_reverts_when_the_client_was_slashed_below_half_of_the_minimum(opened, disputes):
    for _ in range(2):
        disputes.slash(opened.staking, [opened.ada.id], opened.challenger, {"from": opened.challenger})
    with reverts("NotActiveClient", opened.ada.id):
        opened.commit(opened.ada)


def test_commit_reverts_when_wrong_base(opened):
    with reverts("WrongBase", word("stale"), GENESIS["modelRoot"]):
        opened.commit(opened.ada, base=word("stale"))


def test_commit_reverts_when_the_signature_is_for_a_stale_base(opened):
    with reverts("BadSignature", opened.ada.id):
        opened.commit(opened.ada, signed_base=word("stale"), base=GENESIS["modelRoot"])


def test_commit_reverts_when_already_committed(opened):
    opened.commit(opened.ada)
    with reverts("AlreadyCommitted", 1, opened.ada.id):
        opened.commit(opened.ada)


@pytest.mark.parametrize("commitment", [0, 3])
def test_commit_reverts_when_empty_commitment(opened, commitment):
    with reverts("EmptyCommitment"):
        opened.commit(opened.ada, commitment=commitment.to_bytes(32))


def test_commit_reverts_when_shard_full(opened, shard):
    fill(shard, 1)
    with reverts("ShardFull", 1, 256):
        opened.commit(opened.ada)


def test_a_lottery_gives_out_the_places_where_more_clients_are_bonded_than_fit(opened, beacon, shard):
    """The beacon is told of 600 clients among 2,000 participants in round 1: the seed gives 192 places in its shard.

    So whoever bonds clients by the hundred wins places for a third of them, and nobody is shut out for good.
    """
    slot = round_slot(1) + 1
    kept = int.from_bytes(web3.eth.get_storage_at(beacon.address, slot))
    told = kept % 2**200 | 600 << 200 | 2000 << 224
    request("anvil_setStorageAt", beacon.address, hex(slot), "0x" + told.to_bytes(32).hex())
    seed, members = bytes(beacon.roundAt(1)["seed"]), [*opened.members.values()]
    lots = [int.from_bytes(keccak(encode(["bytes32", "uint32"], [seed, number]))) >> 128 for number in range(1, 2001)]
    drawn = [lot * 600 < 192 << 128 for lot in lots]
    assert [beacon.client(number)[2] for number in range(1, 41)] == drawn[:40]
    assert 0.28 < sum(drawn) / len(drawn) < 0.36
    for member in members[:3]:
        duty = shard.clientDuty(member.id)[0]
        if drawn[member.id - 1]:
            opened.commit(member)
        else:
            assert duty == WAIT
            with reverts("NotDrawn", member.id):
                opened.commit(member)


def test_nobody_wins_a_place_by_bonding_after_the_opening(opened, shard):
    """Clients that were bonded by then have all the places there are; who comes later waits for the next round."""
    late = [opened.bond(f"late {number}", "client") for number in range(8)]
    for member in late:
        assert shard.clientDuty(member.id)[0] == WAIT
        with reverts("NotDrawn", member.id):
            opened.commit(member)
    opened.commit(opened.ada)
    opened.reach(opened.ends_at("checkpoint"))
    opened.open()
    opened.commit(late[0])


def test_commit_reverts_when_leaf_reused(opened, shard):
    opened.ada.leaf = 7
    opened.commit(opened.ada)
    assert shard.nextLeaf(opened.ada.id) == 8
    opened.reach(opened.ends_at("commit"))
    opened.reach(opened.ends_at("checkpoint"))
    opened.open()
    opened.ada.leaf = 7
    with reverts("LeafReused", opened.ada.id, 7, 8):
        opened.commit(opened.ada)


def test_commit_reverts_when_forged_from_the_clients_own_account(opened, shard):
    """A quantum computer breaks secp256k1 and sends from ada's account: her slot, and her chance, stay untouched."""
    ada = opened.ada
    digest = opened.domain(shard).commit(1, ada.id, GENESIS["modelRoot"], commitment_of(ada))
    forged = key_of("mallory").sign(0, digest)
    with reverts("BadSignature", ada.id):
        call = (1, ada.id, GENESIS["modelRoot"], commitment_of(ada), forged)
        shard.commit(*call, {"from": ada.withdrawal})
    assert (shard.updateOf(1, ada.id), shard.nextLeaf(ada.id)) == ("0x" + "00" * 32, 0)
    opened.commit(ada)


@pytest.mark.parametrize("what", ["round", "client", "shard", "chain", "commitment", "truncated", "empty"])
def test_commit_reverts_when_the_signature_is_for_something_else(opened, shard, what):
    ada, base, commitment = opened.ada, GENESIS["modelRoot"], commitment_of(opened.ada)
    here = opened.domain(shard)
    digest = {
        "round": here.commit(2, ada.id, base, commitment),
        "client": here.commit(1, opened.ben.id, base, commitment),
        "shard": Domain(chain.id, opened.beacon.address).commit(1, ada.id, base, commitment),
        "chain": Domain(chain.id + 1, shard.address).commit(1, ada.id, base, commitment),
        "commitment": here.commit(1, ada.id, base, word("another")),
    }.get(what, here.commit(1, ada.id, base, commitment))
    signature = ada.sign(digest)
    with reverts("BadSignature", ada.id):
        opened.commit(ada, signature=signature[: {"truncated": -1, "empty": 0}.get(what, len(signature))])


def test_commit_stores_the_commitment_whoever_carries_it(opened, shard):
    opened.relayer = opened.mallory
    opened.ada.leaf = 3
    tx = opened.commit(opened.ada)
    commitment = commitment_of(opened.ada)
    assert tx.events["Committed"] == {
        "round": 1,
        "client": opened.ada.id,
        "commitment": "0x" + commitment.hex(),
        "leaf": 3,
    }
    assert shard.updateOf(1, opened.ada.id) == without_flags(commitment)


def test_commit_counts_the_leaves_of_a_new_key_from_zero(opened, shard):
    ada, new = opened.ada, key_of("ada's second")
    ada.leaf = 9
    opened.commit(ada)
    digest = opened.domain(opened.staking).rotation(ada.id, new.public, 0)
    opened.staking.rotateKey(ada.id, as_struct(new), ada.sign(digest), {"from": opened.relayer})
    assert shard.nextLeaf(ada.id) == 0
    opened.reach(opened.ends_at("checkpoint"))
    opened.open()
    ada.secret, ada.leaf = new, 0
    opened.commit(ada)
    assert shard.nextLeaf(ada.id) == 1


# --- reveal ----------------------------------------------------------------------------------------------------


def test_reveal_reverts_when_not_current_round(opened):
    with reverts("NotCurrentRound", 2, 1):
        opened.reveal(opened.ada, round=2)


@pytest.mark.parametrize(("boundary", "shift", "phase"), [("commit", -1, COMMIT), ("reveal", 0, CHECKPOINT)])
def test_reveal_reverts_when_wrong_phase(opened, boundary, shift, phase):
    opened.commit(opened.ada)
    opened.next_at(opened.ends_at(boundary) + shift)
    with reverts("WrongPhase", phase, REVEAL):
        opened.reveal(opened.ada)


@pytest.mark.parametrize(("boundary", "shift"), [("commit", 0), ("reveal", -1)])
def test_reveal_is_accepted_in_the_first_and_last_second(opened, boundary, shift):
    opened.commit(opened.ada)
    opened.next_at(opened.ends_at(boundary) + shift)
    assert "Revealed" in opened.reveal(opened.ada).events


def test_reveal_reverts_when_not_committed(opened):
    opened.reach(opened.ends_at("commit"))
    with reverts("NotCommitted", 1, opened.ada.id):
        opened.reveal(opened.ada)


def test_reveal_reverts_when_already_revealed(opened):
    opened.commit(opened.ada)
    opened.reach(opened.ends_at("commit"))
    opened.reveal(opened.ada)
    with reverts("AlreadyRevealed", 1, opened.ada.id):
        opened.reveal(opened.ada)


@pytest.mark.parametrize("part", ["root", "digest", "salt"])
def test_reveal_reverts_when_commitment_mismatch(opened, part):
    opened.commit(opened.ada)
    opened.reach(opened.ends_at("commit"))
    with reverts("CommitmentMismatch", 1, opened.ada.id):
        opened.reveal(opened.ada, **{part: word("another")})


def test_reveal_reverts_when_a_copier_opens_what_it_copied(opened, shard):
    """Ben commits to ada's commitment, waits for her reveal and repeats her values: they are bound to her id."""
    copied = commitment_of(opened.ada)
    opened.commit(opened.ada)
    digest = opened.domain(shard).commit(1, opened.ben.id, GENESIS["modelRoot"], copied)
    opened.commit(opened.ben, commitment=copied, signature=opened.ben.sign(digest))
    opened.reach(opened.ends_at("commit"))
    opened.reveal(opened.ada)
    with reverts("CommitmentMismatch", 1, opened.ben.id):
        opened.reveal(opened.ada, client=opened.ben.id)


def test_reveal_numbers_updates_in_order_and_from_zero_each_round(opened, shard):
    for round_number in (1, 2):
        for member in (opened.ada, opened.ben):
            opened.commit(member)
        opened.reach(opened.ends_at("commit"))
        events = [opened.reveal(member).events["Revealed"] for member in (opened.ben, opened.ada)]
        assert [(e["round"], e["client"], e["index"]) for e in events] == [
            (round_number, opened.ben.id, 0),
            (round_number, opened.ada.id, 1),
        ]
        opened.reach(opened.ends_at("checkpoint"))
        opened.open()
    assert [shard.revealsIn(number) for number in (1, 2, 3)] == [2, 2, 0]


def test_reveals_hash_follows_every_reveal_and_their_order(opened, shard):
    def told(*members):
        updates = [(member.id, index, update_by(member)) for index, member in enumerate(members)]
        return reveals_hash(Reveal(client, index, one.root, one.digest, "") for client, index, one in updates)

    found = set()
    for number, order in ((1, (opened.ada, opened.ben)), (2, (opened.ben, opened.ada))):
        assert bytes(shard.revealsHash(number)) == bytes(32)
        for member in order:
            opened.commit(member)
        opened.reach(opened.ends_at("commit"))
        for count, member in enumerate(order, 1):
            opened.reveal(member)
            assert bytes(shard.revealsHash(number)) == told(*order[:count])
        found.add(told(*order))
        opened.reach(opened.ends_at("checkpoint"))
        opened.open()
    assert len(found) == 2
    assert [shard.revealsIn(number) for number in (1, 2)] == [2, 2]


def test_reveal_stores_what_revealed_as_gives(opened, shard):
    opened.commit(opened.ada)
    opened.reach(opened.ends_at("commit"))
    opened.reveal(opened.ada)
    update = update_by(opened.ada)
    expected = int.from_bytes(keccak(encode(["uint16", "bytes32", "bytes32"], [0, update.root, update.digest]))) | 1
    assert shard.updateOf(1, opened.ada.id) == "0x" + expected.to_bytes(32).hex()
    assert shard.revealedAs(0, update.root, update.digest) == "0x" + expected.to_bytes(32).hex()


# --- more than one shard ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_shards():
    """A deployment with two shards of two seats, left as it is after the test that uses it."""
    return build(shards=2, seats=2)


def test_commit_reverts_when_not_in_shard(two_shards, fn_isolation):
    world = two_shards.fresh()
    world.open()
    for member in (world.ada, world.ben, world.cleo):
        home, _ = world.beacon.placeOf(1, member.id)
        with reverts("NotInShard", member.id, home):
            world.commit(member, shard=world.contracts.shards[1 - home])
        with reverts("NotInShard", member.id, home):
            world.commit_by_key(member, shard=world.contracts.shards[1 - home])
        assert world.contracts.shards[1 - home].clientDuty(member.id)[0] == WAIT
        world.commit(member, shard=world.contracts.shards[home])
