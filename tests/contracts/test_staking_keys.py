"""Staking: a participant's keys and where it is paid.

rotateKey              reverts: NotBonded, UnsupportedKeyHeight, EmptyKey, KeyReused (current, retired), BadSignature
                       new key speaks from leaf 0 · old key is silent · history stays, after leaving too, with the
                       time each key was retired
setEncryptionKey       reverts: NotBonded, NotValidator, EmptyKey, BadSignature (forged, altered, replayed), LeafReused
                       replaces the key · a validator that left has none
changeWithdrawal       reverts: NotBonded, EmptyWithdrawal, BadSignature · redirects what is paid
authorize              reverts: NotAuthorized, NotBonded, BadSignature, LeafReused · spends the leaf
"""

import pytest
from brownie import accounts, chain, web3

from scripts.deploy import NOBODY
from tests.contracts.bank import exit_digest, reward, rotate, staking_alone
from tests.contracts.world import World, as_struct, key_of, reverts, word


@pytest.fixture(scope="module")
def deployed(module_isolation: None) -> World:
    return staking_alone()


# --- keys ------------------------------------------------------------------------------------------------------


def test_rotate_key_reverts_when_not_bonded(staking, by_anyone):
    with reverts("NotBonded", 9):
        staking.rotateKey(9, as_struct(key_of("new")), b"", by_anyone)


def test_rotate_key_reverts_when_unsupported_key_height(staking, world, by_anyone):
    with reverts("UnsupportedKeyHeight", 6):
        staking.rotateKey(world.ada.id, (*as_struct(key_of("new"))[:2], 6), b"", by_anyone)


def test_rotate_key_reverts_when_empty_key(staking, world, by_anyone):
    with reverts("EmptyKey"):
        staking.rotateKey(world.ada.id, (word("identifier")[:16], bytes(24), 5), b"", by_anyone)


def test_rotate_key_reverts_when_the_key_is_the_current_one(staking, world, by_anyone):
    """It would start over at leaf 0, and leaves that signed before would sign again."""
    ada = world.ada
    digest = world.domain(staking).rotation(ada.id, ada.secret.public, 0)
    with reverts("KeyReused", ada.id, ada.secret.identifier):
        staking.rotateKey(ada.id, as_struct(ada.secret), ada.sign(digest), by_anyone)


def test_rotate_key_reverts_when_the_key_was_retired(staking, world, by_anyone):
    ada, first = world.ada, world.ada.secret
    rotate(world, ada, key_of("ada's second"))
    digest = world.domain(staking).rotation(ada.id, first.public, 1)
    with reverts("KeyReused", ada.id, first.identifier):
        staking.rotateKey(ada.id, as_struct(first), ada.sign(digest), by_anyone)


def test_rotate_key_reverts_when_the_new_key_signs_for_itself(staking, world, by_anyone):
    new = key_of("mallory")
    signature = new.sign(0, world.domain(staking).rotation(world.ada.id, new.public, 0))
    with reverts("BadSignature", world.ada.id):
        staking.rotateKey(world.ada.id, as_struct(new), signature, by_anyone)


def test_rotate_key_reverts_when_another_key_was_signed_for(staking, world, by_anyone):
    digest = world.domain(staking).rotation(world.ada.id, key_of("new").public, 0)
    with reverts("BadSignature", world.ada.id):
        staking.rotateKey(world.ada.id, as_struct(key_of("mallory")), world.ada.sign(digest), by_anyone)


def test_rotate_key_hands_over_to_the_new_key(staking, world, by_anyone):
    ada, old = world.ada, world.ada.secret
    ada.leaf = 31
    rotate(world, ada, key_of("ada's second"))
    stored = staking.participant(ada.id)
    assert (stored["keyIndex"], stored["nextLeaf"], stored["nonce"]) == (1, 0, 1)
    with reverts("BadSignature", ada.id):
        staking.requestExit(ada.id, old.sign(30, exit_digest(world, ada, 1)), by_anyone)
    staking.requestExit(ada.id, ada.sign(exit_digest(world, ada, 1)), by_anyone)
    assert staking.participant(ada.id)["nextLeaf"] == 1


def test_keys_stay_known_after_rotation_and_departure(staking, world):
    ada, first, second = world.ada, world.ada.secret, key_of("ada's second")
    assert tuple(staking.keyAt(ada.id, 0)) == as_struct(first)
    rotate(world, ada, second)
    assert [tuple(staking.keyAt(ada.id, i)) for i in (0, 1)] == [as_struct(first), as_struct(second)]
    staking.requestExit(ada.id, ada.sign(exit_digest(world, ada, 1)), {"from": world.relayer})
    world.reach(staking.participant(ada.id)["exitableAt"])
    staking.withdraw(ada.id, {"from": world.relayer})
    assert [tuple(staking.keyAt(ada.id, i)) for i in (0, 1)] == [as_struct(first), as_struct(second)]


def test_a_key_is_found_by_its_identifier_after_rotations_and_departure(staking, world):
    ada, keys = world.ada, [world.ada.secret, key_of("ada's second"), key_of("ada's third")]
    for nonce, key in enumerate(keys[1:]):
        rotate(world, ada, key, nonce)
    identifiers = [key.public.identifier for key in keys]
    assert [staking.keyIndexOf(ada.id, identifier) for identifier in identifiers] == [0, 1, 2]
    staking.requestExit(ada.id, ada.sign(exit_digest(world, ada, 2)), {"from": world.relayer})
    world.reach(staking.participant(ada.id)["exitableAt"])
    staking.withdraw(ada.id, {"from": world.relayer})
    assert [staking.keyIndexOf(ada.id, identifier) for identifier in identifiers] == [0, 1, 2]
    stranger = staking.keyIndexOf(ada.id, key_of("mallory").public.identifier)
    assert tuple(staking.keyAt(ada.id, stranger)) != as_struct(key_of("mallory"))


def test_a_key_is_retired_when_it_is_replaced_and_when_its_owner_leaves(staking, world):
    ada = world.ada
    assert staking.keyRetiredAt(ada.id, 0) == 0
    world.next_at(chain[-1].timestamp + 100)
    rotate(world, ada, key_of("ada's second"))
    rotated_at = chain[-1].timestamp
    assert [staking.keyRetiredAt(ada.id, i) for i in (0, 1)] == [rotated_at, 0]
    staking.requestExit(ada.id, ada.sign(exit_digest(world, ada, 1)), {"from": world.relayer})
    assert staking.keyRetiredAt(ada.id, 1) == 0
    world.reach(staking.participant(ada.id)["exitableAt"])
    staking.withdraw(ada.id, {"from": world.relayer})
    assert [staking.keyRetiredAt(ada.id, i) for i in (0, 1)] == [rotated_at, chain[-1].timestamp]


# --- encryption keys -------------------------------------------------------------------------------------------


def set_encryption_key(world: World, member, key_digest: bytes, nonce: int = 0, **changed):
    """Name `key_digest` as `member`; `changed` replaces single arguments of the call, after signing."""
    digest = world.domain(world.staking).encryption_key(member.id, key_digest, nonce)
    call = {"id": member.id, "key": key_digest}
    call |= {"signature": changed["signature"] if "signature" in changed else member.sign(digest)} | changed
    return world.staking.setEncryptionKey(*call.values(), {"from": world.relayer})


def test_set_encryption_key_reverts_when_not_bonded(world):
    with reverts("NotBonded", 9):
        set_encryption_key(world, world.vera, word("key"), id=9)


def test_set_encryption_key_reverts_when_a_client_has_one(world):
    with reverts("NotValidator", world.ada.id):
        set_encryption_key(world, world.ada, word("key"))


def test_set_encryption_key_reverts_when_empty(world):
    with reverts("EmptyKey"):
        set_encryption_key(world, world.vera, bytes(32))


def test_set_encryption_key_reverts_when_forged(staking, world):
    """Whoever could name a key for vera would read every update sent to her."""
    digest = world.domain(staking).encryption_key(world.vera.id, word("mallory's"), 0)
    with reverts("BadSignature", world.vera.id):
        set_encryption_key(world, world.vera, word("mallory's"), signature=key_of("mallory").sign(0, digest))


def test_set_encryption_key_reverts_when_altered_by_its_carrier(world):
    with reverts("BadSignature", world.vera.id):
        set_encryption_key(world, world.vera, word("vera's"), key=word("mallory's"))


def test_set_encryption_key_reverts_when_an_old_key_is_brought_back(staking, world):
    """Nonce and leaf each stop it: the same signature again, and a fresh one over the nonce that was used."""
    vera = world.vera
    first = vera.sign(world.domain(staking).encryption_key(vera.id, word("first"), 0))
    set_encryption_key(world, vera, word("first"), signature=first)
    with reverts("LeafReused", vera.id, 0, 1):
        set_encryption_key(world, vera, word("first"), signature=first)
    with reverts("BadSignature", vera.id):
        set_encryption_key(world, vera, word("first"), nonce=0)


def test_set_encryption_key_replaces_the_key(staking, world):
    set_encryption_key(world, world.vera, word("first"))
    event = set_encryption_key(world, world.vera, word("second"), nonce=1).events["EncryptionKeySet"]
    assert event == {"id": world.vera.id, "keyDigest": "0x" + word("second").hex()}
    assert staking.encryptionKeyOf(world.vera.id) == "0x" + word("second").hex()


def test_a_validator_that_left_has_no_encryption_key(staking, world):
    vera = world.vera
    set_encryption_key(world, vera, word("key"))
    staking.requestExit(vera.id, vera.sign(exit_digest(world, vera, 1)), {"from": world.relayer})
    assert staking.encryptionKeyOf(vera.id) == "0x" + word("key").hex()
    world.reach(staking.participant(vera.id)["exitableAt"])
    staking.withdraw(vera.id, {"from": world.relayer})
    assert staking.encryptionKeyOf(vera.id) == "0x" + bytes(32).hex()


# --- withdrawal address, authorization -------------------------------------------------------------------------


def test_change_withdrawal_reverts_when_not_bonded(staking, by_anyone):
    with reverts("NotBonded", 9):
        staking.changeWithdrawal(9, accounts[5], b"", by_anyone)


def test_change_withdrawal_reverts_when_empty_withdrawal(staking, world, by_anyone):
    with reverts("EmptyWithdrawal"):
        staking.changeWithdrawal(world.ada.id, NOBODY, b"", by_anyone)


def test_change_withdrawal_reverts_when_the_carrier_puts_in_its_own_address(staking, world, by_anyone):
    ada = world.ada
    signature = ada.sign(world.domain(staking).withdrawal(ada.id, accounts[5].address, 0))
    with reverts("BadSignature", ada.id):
        staking.changeWithdrawal(ada.id, world.mallory, signature, by_anyone)


def test_change_withdrawal_redirects_payments(staking, world, by_anyone):
    ada = world.ada
    receiver = accounts.at(web3.to_checksum_address("0x" + "77" * 20), force=True)
    digest = world.domain(staking).withdrawal(ada.id, receiver.address, 0)
    staking.changeWithdrawal(ada.id, receiver, ada.sign(digest), by_anyone)
    reward(world, ada, 7)
    staking.payRewards(ada.id, by_anyone)
    assert receiver.balance() == 7


def test_authorize_reverts_when_not_the_beacon(staking, world, by_anyone):
    with reverts("NotAuthorized", world.mallory):
        staking.authorize(world.vera.id, word("digest"), b"", by_anyone)


def test_authorize_reverts_when_not_bonded(staking, by_beacon):
    with reverts("NotBonded", 9):
        staking.authorize(9, word("digest"), b"", by_beacon)


def test_authorize_reverts_when_bad_signature(staking, world, by_beacon):
    with reverts("BadSignature", world.vera.id):
        staking.authorize(world.vera.id, word("digest"), world.vera.sign(word("another")), by_beacon)


def test_authorize_spends_the_leaf(staking, world, by_beacon):
    signature = world.vera.sign(word("digest"))
    staking.authorize(world.vera.id, word("digest"), signature, by_beacon)
    with reverts("LeafReused", world.vera.id, 0, 1):
        staking.authorize(world.vera.id, word("digest"), signature, by_beacon)
