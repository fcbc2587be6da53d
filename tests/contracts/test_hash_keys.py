"""Shard: commitments by key, and what becomes of tokens and keys in other hands.

commitByKey  reverts: NotCurrentRound, WrongPhase, NotInShard (test_shard.py), NotDrawn, WrongBase, AlreadyCommitted,
             ShardFull, NoHashChain (a validator, leaving, slashed), HashChainNotBegun, TooManyLinks, BadToken (another
             round's, a key, another client's, another deployment's, of a chain that was replaced) · any carrier ·
             another chain · after missed rounds · who bonds with another's anchor · behind a mirror: admitted or not,
             with another chain only once that is proven
reveal       reverts: CommitmentMismatch (no key, another's commitment, another contract, chain, base), AlreadyRevealed,
             NotCommitted, WrongPhase · counted and hashed as after a signature · in private mode
commit       in place of one by key, once, and not the other way round
"""

import pytest
from brownie import NormVerifierHarness, Shard, accounts, chain

from qfl.crypto.hash_chain import HashChain, link_domain
from qfl.protocol.digests import Domain, as_salt, compute_commitment, keyed_slot, reveals_hash
from qfl.protocol.types import Reveal
from tests.contracts.mirrors import put_up
from tests.contracts.test_private_reveal import PROOF, VECTOR, statement
from tests.contracts.test_private_reveal import reveal as reveal_privately
from tests.contracts.world import CHECKPOINT, COMMIT, GENESIS, REVEAL, as_struct, fill, reverts, update_by, word

UNSIGNED = 2**32 - 1
LENGTH = 64
"""Links of the chains of these tests."""


def pass_round(world):
    """Let the round end without a model, and open the next."""
    world.reach(world.ends_at("checkpoint"))
    world.open()


def set_anchor(world, member, anchor, first_round, nonce=0):
    digest = world.domain(world.staking).anchor(member.id, anchor, nonce, first_round=first_round)
    world.staking.setAnchor(member.id, anchor, first_round, member.sign(digest), {"from": world.relayer})


# --- commit ----------------------------------------------------------------------------------------------------


def test_commit_by_key_stores_the_commitment_with_its_token_whoever_carries_it(opened, shard):
    opened.relayer = opened.mallory
    tx, ada = opened.commit_by_key(opened.ada), opened.ada
    commitment = opened.keyed_commitment(ada, shard)
    told = {"round": 1, "client": ada.id, "commitment": "0x" + commitment.hex(), "leaf": UNSIGNED}
    assert tx.events["Committed"] == told
    assert shard.updateOf(1, ada.id) == "0x" + keyed_slot(commitment, opened.keys_of(ada).token).hex()
    assert shard.nextLeaf(ada.id) == 0


@pytest.mark.parametrize("given", [0, 2])
def test_commit_by_key_reverts_when_not_current_round(opened, given):
    with reverts("NotCurrentRound", given, 1):
        opened.commit_by_key(opened.ada, round=given)


def test_commit_by_key_reverts_when_the_phase_ended_this_second(opened):
    opened.next_at(opened.ends_at("commit"))
    with reverts("WrongPhase", REVEAL, COMMIT):
        opened.commit_by_key(opened.ada)


def test_commit_by_key_reverts_when_no_client(opened):
    for nobody in (opened.vera.id, 0):
        with reverts("NoHashChain", nobody):
            opened.commit_by_key(opened.ada, client=nobody)
    with reverts("NotDrawn", 99):
        opened.commit_by_key(opened.ada, client=99)


def test_commit_by_key_reverts_when_the_client_is_leaving(opened):
    ada = opened.ada
    opened.staking.requestExit(
        ada.id, ada.sign(opened.domain(opened.staking).exit(ada.id, 0)), {"from": opened.relayer}
    )
    with reverts("NoHashChain", ada.id):
        opened.commit_by_key(ada)
    with reverts("NotActiveClient", ada.id):
        set_anchor(opened, ada, word("new")[:28], 1, nonce=1)


def test_commit_by_key_reverts_when_the_client_was_slashed_until_it_names_a_chain_again(opened, disputes):
    ada = opened.ada
    for _ in range(2):
        disputes.slash(opened.staking, [ada.id], opened.challenger, {"from": opened.challenger})
    with reverts("NoHashChain", ada.id):
        opened.commit_by_key(ada)
    opened.staking.topUp(ada.id, {"from": opened.relayer, "value": 10**17})
    with reverts("NoHashChain", ada.id):
        opened.commit_by_key(ada)
    set_anchor(opened, ada, opened.chain_of("ada").anchor, 1)
    opened.commit_by_key(ada)


def test_commit_by_key_reverts_when_wrong_base(opened):
    with reverts("WrongBase", word("stale"), GENESIS["modelRoot"]):
        opened.commit_by_key(opened.ada, base=word("stale"))


def test_commit_by_key_reverts_when_shard_full(opened, shard):
    fill(shard, 1)
    with reverts("ShardFull", 1, 256):
        opened.commit_by_key(opened.ada)


def test_commit_by_key_reverts_when_the_client_named_no_chain(opened):
    set_anchor(opened, opened.ada, bytes(28), 0)
    with reverts("NoHashChain", opened.ada.id):
        opened.commit_by_key(opened.ada)


def test_commit_by_key_reverts_before_the_first_round_of_the_chain(opened):
    set_anchor(opened, opened.ada, opened.chain_of("ada").anchor, 2)
    with reverts("HashChainNotBegun", opened.ada.id, 2):
        opened.commit_by_key(opened.ada)


@pytest.mark.parametrize("position", [0, 2, 3, LENGTH])
def test_commit_by_key_reverts_when_the_link_is_not_this_rounds(opened, position):
    """The anchor, the round's key, the next round's token, the end of the chain."""
    link = opened.chain_of("ada").tip(position)
    with reverts("BadToken", opened.ada.id, str(link)):
        opened.commit_by_key(opened.ada, token=link)


def test_commit_by_key_reverts_when_the_token_is_anothers(opened):
    token = opened.keys_of(opened.ben).token
    with reverts("BadToken", opened.ada.id, str(token)):
        opened.commit_by_key(opened.ada, token=token)


@pytest.mark.parametrize("what", ["chain", "staking"])
def test_commit_by_key_reverts_when_the_links_are_another_deployments(opened, what):
    """The same secret hashed for another chain id, or another staking contract, is another chain of links."""
    places = {"chain": (chain.id + 1, opened.staking.address), "staking": (chain.id, opened.beacon.address)}
    token = HashChain(word("ada's links"), link_domain(*places[what]), LENGTH).keys_of(1, 1).token
    with reverts("BadToken", opened.ada.id, str(token)):
        opened.commit_by_key(opened.ada, token=token)


def test_a_shown_key_that_was_not_used_is_worth_nothing_in_another_round(opened, shard):
    """Ada shows token and key of round 1 to everybody and does not get into a block with them."""
    shown = opened.keys_of(opened.ada)
    pass_round(opened)
    for link in (shown.token, shown.key):
        with reverts("BadToken", opened.ada.id, str(link)):
            opened.commit_by_key(opened.ada, token=link)
    opened.commit_by_key(opened.ada)


def test_links_of_missed_rounds_are_passed_over(opened):
    opened.commit_by_key(opened.ada)
    for _ in range(5):
        pass_round(opened)
    assert "Committed" in opened.commit_by_key(opened.ada).events


def test_commit_by_key_reverts_when_too_many_links_were_passed_over(world):
    world.open()
    token = world.keys_of(world.ada).token
    world.skip_to(2_050)
    with reverts("TooManyLinks", 2 * 2_049 + 1, 4_096):
        world.shard.commitByKey(2_050, world.ada.id, GENESIS["modelRoot"], word("any"), token, {"from": world.relayer})


def test_another_chain_begins_with_its_first_round_and_the_old_one_ends(opened):
    opened.commit_by_key(opened.ada)
    old, new = opened.chain_of("ada"), opened.chain_of("ada's second")
    pass_round(opened)
    set_anchor(opened, opened.ada, new.anchor, 2)
    token = old.keys_of(2, 1).token
    with reverts("BadToken", opened.ada.id, str(token)):
        opened.commit_by_key(opened.ada, token=token)
    assert "Committed" in opened.commit_by_key(opened.ada, token=new.keys_of(2, 2).token).events


def test_a_chain_that_is_named_again_for_later_rounds_shows_nothing_twice(opened):
    """Its links of round 1 are public, and would be those of round 2: the shard knows them."""
    opened.commit_by_key(opened.ada)
    shown = opened.keys_of(opened.ada).token
    pass_round(opened)
    opened.commit_by_key(opened.ada)
    pass_round(opened)
    set_anchor(opened, opened.ada, opened.chain_of("ada").anchor, 3)
    with reverts("BadToken", opened.ada.id, str(shown)):
        opened.commit_by_key(opened.ada, token=shown)


def test_who_bonds_with_anothers_anchor_keeps_it_from_nothing(opened, shard):
    """Mallory sees ada's token before it is in a block, and shows it first, as a client with the same anchor."""
    opened.staking.bondClient(
        *(as_struct(opened.ben.secret), opened.chain_of("ada").anchor, 1, accounts[5]),
        {"from": opened.mallory, "value": 10**17},
    )
    copier = opened.staking.participantCount()
    pass_round(opened)
    token = opened.keys_of(opened.ada).token
    opened.commit_by_key(opened.ada, client=copier, commitment=word("copier's"), token=token)
    opened.commit_by_key(opened.ada)
    opened.reach(opened.ends_at("commit"))
    opened.reveal_by_key(opened.ada)
    with reverts("CommitmentMismatch", 2, copier):
        opened.reveal_by_key(opened.ada, client=copier)
    pass_round(opened)
    opened.commit_by_key(opened.ada)


# --- reveal ----------------------------------------------------------------------------------------------------


def test_updates_that_were_committed_by_key_count_as_signed_ones_do(opened, shard):
    """The committee, the rewards and the proofs see no difference."""
    ada, ben = opened.ada, opened.ben
    opened.commit_by_key(ada)
    opened.commit(ben)
    opened.reach(opened.ends_at("commit"))
    opened.reveal(ben)
    event = opened.reveal_by_key(ada).events["Revealed"]
    update = update_by(ada)
    assert (event["client"], event["index"], event["updateRoot"]) == (ada.id, 1, "0x" + update.root.hex())
    assert shard.updateOf(1, ada.id) == shard.revealedAs(1, update.root, update.digest)
    revealed = [Reveal(m.id, i, update_by(m).root, update_by(m).digest, "") for i, m in enumerate((ben, ada))]
    assert (shard.revealsIn(1), bytes(shard.revealsHash(1))) == (2, reveals_hash(revealed))


def test_keys_serve_round_after_round(opened):
    for _ in range(3):
        opened.commit_by_key(opened.ada)
        opened.reach(opened.ends_at("commit"))
        opened.reveal_by_key(opened.ada)
        pass_round(opened)


@pytest.mark.parametrize(("boundary", "shift", "phase"), [("commit", -1, COMMIT), ("reveal", 0, CHECKPOINT)])
def test_a_key_that_is_shown_early_or_late_reveals_nothing(opened, boundary, shift, phase):
    opened.commit_by_key(opened.ada)
    opened.next_at(opened.ends_at(boundary) + shift)
    with reverts("WrongPhase", phase, REVEAL):
        opened.reveal_by_key(opened.ada)


def test_reveal_reverts_when_already_revealed(opened):
    opened.commit_by_key(opened.ada)
    opened.reach(opened.ends_at("commit"))
    opened.reveal_by_key(opened.ada)
    with reverts("AlreadyRevealed", 1, opened.ada.id):
        opened.reveal_by_key(opened.ada)


def test_reveal_reverts_when_not_committed(opened):
    opened.reach(opened.ends_at("commit"))
    with reverts("NotCommitted", 1, opened.ada.id):
        opened.reveal_by_key(opened.ada)


@pytest.mark.parametrize("part", ["root", "digest", "salt"])
def test_reveal_with_a_key_reverts_when_commitment_mismatch(opened, part):
    opened.commit_by_key(opened.ada)
    opened.reach(opened.ends_at("commit"))
    with reverts("CommitmentMismatch", 1, opened.ada.id):
        opened.reveal_by_key(opened.ada, **{part: word("another")})


@pytest.mark.parametrize("what", ["shard", "chain", "base", "unbound"])
def test_reveal_reverts_when_the_commitment_is_for_another_place(opened, shard, what):
    """Whatever is replayed elsewhere takes a slot there, and opens nothing."""
    ada, update, here = opened.ada, update_by(opened.ada), Domain(chain.id, shard.address)
    opening = compute_commitment(1, ada.id, update.root, update.digest, as_salt(opened.keys_of(ada).key))
    replayed = {
        "shard": Domain(chain.id, opened.beacon.address).keyed(GENESIS["modelRoot"], opening),
        "chain": Domain(chain.id + 1, shard.address).keyed(GENESIS["modelRoot"], opening),
        "base": here.keyed(word("another base"), opening),
        "unbound": opening,
    }
    opened.commit_by_key(ada, commitment=replayed[what])
    opened.reach(opened.ends_at("commit"))
    with reverts("CommitmentMismatch", 1, ada.id):
        opened.reveal_by_key(ada)


def test_a_commitment_by_key_cannot_be_copied(opened):
    """Ben commits by his own key to ada's commitment, and repeats her values."""
    opened.commit_by_key(opened.ada)
    opened.commit_by_key(opened.ben, commitment=opened.keyed_commitment(opened.ada, opened.shard))
    opened.reach(opened.ends_at("commit"))
    opened.reveal_by_key(opened.ada)
    for salt in (opened.keys_of(opened.ada).key, opened.keys_of(opened.ben).key):
        with reverts("CommitmentMismatch", 1, opened.ben.id):
            opened.reveal_by_key(opened.ada, client=opened.ben.id, salt=as_salt(salt))


# --- a token in other hands ------------------------------------------------------------------------------------


def test_who_is_quicker_with_anothers_token_takes_its_slot_until_it_signs(opened, shard):
    """The key is not shown yet, so mallory commits to what she cannot open; and ada's signature replaces it."""
    ada = opened.ada
    opened.commit_by_key(ada, commitment=word("mallory's"))
    with reverts("AlreadyCommitted", 1, ada.id):
        opened.commit_by_key(ada)
    opened.commit(ada)
    opened.reach(opened.ends_at("commit"))
    with reverts("CommitmentMismatch", 1, ada.id):
        opened.reveal_by_key(ada)
    opened.reveal(ada)
    assert shard.revealsIn(1) == 1


def test_a_signed_commitment_is_replaced_by_nothing(opened):
    opened.commit_by_key(opened.ada)
    opened.commit(opened.ada)
    with reverts("AlreadyCommitted", 1, opened.ada.id):
        opened.commit(opened.ada)
    with reverts("AlreadyCommitted", 1, opened.ada.id):
        opened.commit_by_key(opened.ada)


def test_a_forged_signature_replaces_no_commitment_by_key(opened, shard):
    opened.commit_by_key(opened.ada)
    kept = shard.updateOf(1, opened.ada.id)
    with reverts("BadSignature", opened.ada.id):
        opened.commit(opened.ada, signature=opened.ben.sign(word("something")))
    assert shard.updateOf(1, opened.ada.id) == kept


def test_a_client_that_commits_twice_has_one_of_the_places(opened, shard):
    """256 commits are the shard's; one that is replaced is one, also where there is no place left."""
    fill(shard, 1, commits=255)
    opened.commit_by_key(opened.ada)
    opened.commit(opened.ada)
    with reverts("ShardFull", 1, 256):
        opened.commit_by_key(opened.ben)


def test_duties_follow_a_commitment_by_key(opened, shard):
    wait, to_commit, to_reveal, done = 1, 2, 3, 4
    ada, found = opened.ada, []
    found.append(shard.clientDuty(ada.id)[0])
    opened.commit_by_key(ada)
    found.append(shard.clientDuty(ada.id)[0])
    opened.reach(opened.ends_at("commit"))
    found.append(shard.clientDuty(ada.id)[0])
    opened.reveal_by_key(ada)
    assert [*found, shard.clientDuty(ada.id)[0]] == [to_commit, wait, to_reveal, done]


# --- behind a mirror -------------------------------------------------------------------------------------------


@pytest.fixture
def glass(world, fn_isolation):
    """A shard that knows the beacon by its mirror, in round 1; ada is admitted, ben is not."""
    world.open()
    glass = put_up(world, [world.ada, world.ben])
    glass.begin()
    glass.admit(world.ada)
    return glass


def test_a_shard_behind_a_mirror_takes_keys_of_clients_that_were_admitted(glass):
    world, ada = glass.world, glass.world.ada
    world.commit_by_key(ada, shard=glass.shard)
    with reverts("NoHashChain", world.ben.id):
        world.commit_by_key(world.ben, shard=glass.shard)
    world.reach(world.ends_at("commit"))
    world.reveal_by_key(ada, shard=glass.shard)
    assert glass.shard.revealsIn(1) == 1


def test_a_shard_behind_a_mirror_follows_the_links_round_after_round(glass):
    """What was shown in round 1 is known in round 2; round 3 the mirror misses."""
    world, ada, shown = glass.world, glass.world.ada, glass.world.keys_of(glass.world.ada)
    world.commit_by_key(ada, shard=glass.shard)
    glass.next_round()
    with reverts("NotCurrentRound", 2, 1):
        world.commit_by_key(ada, shard=glass.shard)
    glass.advance(glass.message(previous=1), 1)
    for link in (shown.token, shown.key):
        with reverts("BadToken", ada.id, str(link)):
            world.commit_by_key(ada, shard=glass.shard, token=link)
    world.commit_by_key(ada, shard=glass.shard)
    glass.next_round()
    glass.next_round()
    glass.advance(glass.message(previous=2), 2)
    world.commit_by_key(ada, shard=glass.shard)


def test_links_behind_a_mirror_are_those_of_the_beacons_chain(glass):
    """The domain names `Staking` and the beacon's chain, whatever the shard's is."""
    world, ada = glass.world, glass.world.ada
    assert glass.mirror.linkDomain() == world.staking.linkDomain() == world.draw.linkDomain()
    for place in ((chain.id + 1, world.staking.address), (chain.id, glass.mirror.address)):
        token = HashChain(word("ada's links"), link_domain(*place), LENGTH).keys_of(1, 1).token
        with reverts("BadToken", ada.id, str(token)):
            world.commit_by_key(ada, shard=glass.shard, token=token)


def test_another_chain_counts_behind_a_mirror_once_it_is_proven(glass):
    """Like another key: the message takes the admission back, and the old chain is proven no more."""
    world, ada, old = glass.world, glass.world.ada, glass.anchor_of(glass.world.ada)
    world.commit_by_key(ada, shard=glass.shard)
    new = world.chain_of("ada's second")
    set_anchor(world, ada, new.anchor, 2)
    glass.next_round()
    glass.anchors[ada.id] = new.anchor, 2
    glass.advance(glass.message(previous=1, revoked=[ada]), 1)
    with reverts("NoHashChain", ada.id):
        world.commit_by_key(ada, shard=glass.shard)
    with reverts("NotAClient", ada.id, 0):
        glass.admit(ada, anchor=old[0], first_round=old[1])
    glass.admit(ada)
    token = world.keys_of(ada).token
    with reverts("BadToken", ada.id, str(token)):
        world.commit_by_key(ada, shard=glass.shard)
    world.commit_by_key(ada, shard=glass.shard, token=new.keys_of(2, 2).token)


def test_a_client_without_a_chain_signs_behind_a_mirror(glass):
    world, ben = glass.world, glass.world.ben
    glass.anchors[ben.id] = bytes(28), 0
    glass.next_round()
    glass.advance(glass.message(previous=1), 1)
    glass.admit(ben)
    with reverts("NoHashChain", ben.id):
        world.commit_by_key(ben, shard=glass.shard)
    world.commit(ben, shard=glass.shard)


# --- private mode ----------------------------------------------------------------------------------------------


def test_in_private_mode_the_commitment_names_the_vector(world):
    """Whoever carries the reveal can exchange it as little as after a signature."""
    verifier = accounts[0].deploy(NormVerifierHarness)
    shard = accounts[0].deploy(Shard, world.beacon, 0, verifier, world.staking)
    world.open()
    ada, salt = world.ada, as_salt(world.keys_of(world.ada).key)
    world.commit_by_key(ada, shard=shard, commitment=world.keyed_commitment(ada, shard, VECTOR))
    world.reach(world.ends_at("commit"))
    verifier.accept([VECTOR + 1, *statement(world, shard, ada)[1:]], PROOF, {"from": world.owner})
    with reverts("CommitmentMismatch", 1, ada.id):
        reveal_privately(world, shard, ada, salt=salt, vector=VECTOR + 1)
    with reverts("ProofRequired"):
        world.reveal_by_key(ada, shard=shard)
    verifier.accept(statement(world, shard, ada), PROOF, {"from": world.owner})
    reveal_privately(world, shard, ada, salt=salt)
    assert shard.revealsIn(1) == 1
