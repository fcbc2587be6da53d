"""Staking: joining, leaving, keys, rewards, slashing.

constructor            reverts: BadParameters for each parameter
wire                   reverts: NotAuthorised, AlreadyWired · sets both, once
bondClient/Validator   reverts: StakeTooLow, StakeTooHigh, UnsupportedKeyHeight, EmptyKey, EmptyWithdrawal
                       numbers participants · a validator can be drawn, a client cannot
topUp                  reverts: NotBonded, Exiting · adds to the stake, and to a validator's weight
requestExit            reverts: NotBonded, Exiting, LeafReused, BadSignature (other key, other nonce, other contract,
                       other chain, the participant's own account without its key) · leaves the draw at once
withdraw               reverts: NotBonded, NotExiting, StillUnbonding, PaymentRefused · pays stake and rewards, once
rotateKey              reverts: NotBonded, UnsupportedKeyHeight, EmptyKey, KeyReused (current, retired), BadSignature
                       new key speaks from leaf 0 · old key is silent · history stays, after leaving too, with the
                       time each key was retired
setEncryptionKey       reverts: NotBonded, NotValidator, EmptyKey, BadSignature (forged, altered, replayed), LeafReused
                       replaces the key · a validator that left has none
changeWithdrawal       reverts: NotBonded, EmptyWithdrawal, BadSignature · redirects what is paid
authorise              reverts: NotAuthorised, NotBonded, BadSignature, LeafReused · spends the leaf
creditReward           reverts: NotAuthorised, NotBonded, RewardPoolTooSmall · pool to account
payRewards             reverts: NotBonded, NothingOwed, PaymentRefused · pays, once
slash                  reverts: NotAuthorised, PaymentRefused · bounty and burn · a pending exit too · below the
                       minimum: no more draws until topped up · who has left is passed over · many at once: one
                       payment each, books balance for a challenger that asks for more while being paid
"""

from __future__ import annotations

import pytest
from brownie import GreedyReceiver, RefusingReceiver, Staking, accounts, chain, web3

from qfl.chain.digests import Domain
from qfl.chain.parameters import load_parameters
from qfl.keys.lms import LmsSecret
from scripts.deploy import NOBODY, Contracts, in_order
from tests.contracts.world import CLIENT_STAKE, VALIDATOR_STAKE, World, as_struct, key_of, request, reverts, word

UNBONDING = 86_400
BURNED_TO = "0x000000000000000000000000000000000000dEaD"
ETHER = 10**18


@pytest.fixture(scope="module")
def deployed(module_isolation: None) -> World:
    """Staking alone: accounts stand in for the beacon and the disputes contract. One of each role is bonded."""
    parameters = load_parameters()
    staking = accounts[0].deploy(Staking, in_order(Staking, 0, parameters.staking))
    beacon, disputes = accounts[8], accounts[9]
    staking.wire(beacon, disputes, {"from": accounts[0]})
    world = World(Contracts(staking, None, beacon, [None], disputes), parameters)
    world.bond("ada", "client")
    world.bond("vera", "validator")
    return world


@pytest.fixture
def staking(world: World) -> Staking:
    return world.staking


@pytest.fixture
def by_beacon(world: World) -> dict[str, object]:
    return {"from": world.beacon}


@pytest.fixture
def by_disputes() -> dict[str, object]:
    return {"from": accounts[9]}


@pytest.fixture
def by_anyone(world: World) -> dict[str, object]:
    return {"from": world.mallory}


def exit_digest(world: World, member, nonce: int = 0) -> bytes:
    return world.domain(world.staking).exit(member.id, nonce)


def ask_to_leave(world: World, member) -> None:
    world.staking.requestExit(member.id, member.sign(exit_digest(world, member)), {"from": world.relayer})


def leave(world: World, member) -> None:
    ask_to_leave(world, member)
    world.reach(world.staking.participant(member.id)["exitableAt"])
    world.staking.withdraw(member.id, {"from": world.relayer})


def reward(world: World, member, amount: int) -> None:
    world.staking.fundRewards({"from": world.relayer, "value": amount})
    world.staking.creditReward(member.id, amount, {"from": world.beacon})


def is_solvent(staking: Staking) -> bool:
    owed = staking.totalStakeWei() + staking.totalRewardsWei() + staking.rewardPoolWei()
    return bool(staking.balance() == owed)


# --- deployment ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("minClientStakeWei", 0),
        ("minValidatorStakeWei", 0),
        ("unbondingSeconds", 0),
        ("slashBps", 0),
        ("slashBps", 10_001),
        ("bountyBps", 10_001),
    ],
)
def test_constructor_reverts_when_bad_parameters(world, name, value):
    parameters = load_parameters(**{name: value})
    with reverts("BadParameters", name, value):
        accounts[0].deploy(Staking, in_order(Staking, 0, parameters.staking))


def test_wire_reverts_when_not_authorised(world):
    other = accounts[0].deploy(Staking, in_order(Staking, 0, load_parameters().staking))
    with reverts("NotAuthorised", world.mallory):
        other.wire(world.mallory, world.mallory, {"from": world.mallory})


def test_wire_reverts_when_already_wired(staking, world):
    with reverts("AlreadyWired"):
        staking.wire(world.mallory, world.mallory, {"from": world.owner})


def test_wire_sets_who_may_credit_and_slash(staking):
    assert (staking.beacon(), staking.disputes()) == (accounts[8], accounts[9])


# --- bond ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("call", "least"), [("bondClient", CLIENT_STAKE), ("bondValidator", VALIDATOR_STAKE)])
def test_bond_reverts_when_stake_too_low(staking, world, call, least):
    with reverts("StakeTooLow", least - 1, least):
        getattr(staking, call)(as_struct(key_of("new")), accounts[5], {"from": world.relayer, "value": least - 1})


@pytest.mark.parametrize("height", [0, 4, 20])
def test_bond_reverts_when_unsupported_key_height(staking, world, height):
    key = (*as_struct(key_of("new"))[:2], height)
    with reverts("UnsupportedKeyHeight", height):
        staking.bondClient(key, accounts[5], {"from": world.relayer, "value": CLIENT_STAKE})


def test_bond_reverts_when_empty_key(staking, world):
    key = (as_struct(key_of("new"))[0], bytes(24), 5)
    with reverts("EmptyKey"):
        staking.bondValidator(key, accounts[5], {"from": world.relayer, "value": VALIDATOR_STAKE})


def test_bond_reverts_when_empty_withdrawal(staking, world):
    with reverts("EmptyWithdrawal"):
        staking.bondClient(as_struct(key_of("new")), NOBODY, {"from": world.relayer, "value": CLIENT_STAKE})


def test_bond_reverts_when_all_stakes_exceed_96_bits(staking, world):
    too_much = 2**96 - staking.totalStakeWei()
    request("anvil_setBalance", world.relayer.address, hex(2**97))
    with reverts("StakeTooHigh", too_much):
        staking.bondClient(as_struct(key_of("new")), accounts[5], {"from": world.relayer, "value": too_much})


def test_bond_stores_the_participant(staking, world):
    ben = world.bond("ben", "client", stake=3 * CLIENT_STAKE)
    assert ben.id == staking.participantCount() == 3
    identifier, root, height = as_struct(ben.secret)
    assert staking.participant(ben.id).dict() == {
        "withdrawal": ben.withdrawal,
        "stakeWei": 3 * CLIENT_STAKE,
        "root": root,
        "nextLeaf": 0,
        "nonce": 0,
        "identifier": identifier,
        "height": height,
        "role": 1,
        "keyIndex": 0,
        "exitableAt": 0,
        "treeIndex": 0,
    }
    assert is_solvent(staking)


def test_bond_makes_validators_drawable_but_not_clients(staking, world):
    viktor = world.bond("viktor", "validator")
    assert staking.activeValidators() == 2
    assert set(staking.draw(word("seed"), 2)) == {world.vera.id, viktor.id}


def test_draw_reverts_when_too_few_validators(staking):
    with reverts("TooFewValidators", 1, 2):
        staking.draw(word("seed"), 2)


# --- topUp -----------------------------------------------------------------------------------------------------


def test_top_up_reverts_when_not_bonded(staking, by_anyone):
    with reverts("NotBonded", 9):
        staking.topUp(9, by_anyone | {"value": 1})


def test_top_up_reverts_when_exiting(staking, world, by_anyone):
    ask_to_leave(world, world.ada)
    with reverts("Exiting", world.ada.id, staking.participant(world.ada.id)["exitableAt"]):
        staking.topUp(world.ada.id, by_anyone | {"value": 1})


def test_top_up_adds_to_the_stake(staking, world, by_anyone):
    staking.topUp(world.ada.id, by_anyone | {"value": 5})
    assert staking.participant(world.ada.id)["stakeWei"] == CLIENT_STAKE + 5
    assert staking.totalStakeWei() == CLIENT_STAKE + VALIDATOR_STAKE + 5
    assert is_solvent(staking)


def test_top_up_raises_a_validators_chances(staking, world, by_anyone):
    world.bond("viktor", "validator")
    staking.topUp(world.vera.id, by_anyone | {"value": 9_000 * ETHER})
    assert {staking.draw(word(f"seed {i}"), 1)[0] for i in range(20)} == {world.vera.id}


# --- exit ------------------------------------------------------------------------------------------------------


def test_request_exit_reverts_when_not_bonded(staking, by_anyone):
    with reverts("NotBonded", 9):
        staking.requestExit(9, b"", by_anyone)


def test_request_exit_reverts_when_exiting(staking, world, by_anyone):
    ask_to_leave(world, world.ada)
    with reverts("Exiting"):
        staking.requestExit(world.ada.id, world.ada.sign(exit_digest(world, world.ada, 1)), by_anyone)


def test_request_exit_reverts_when_the_participants_own_account_asks_without_its_key(staking, world):
    """Who holds the secp256k1 key of the withdrawal account, by a quantum computer say, still cannot speak."""
    forged = key_of("mallory").sign(0, exit_digest(world, world.ada))
    with reverts("BadSignature", world.ada.id):
        staking.requestExit(world.ada.id, forged, {"from": world.ada.withdrawal})
    assert staking.participant(world.ada.id)["exitableAt"] == 0


@pytest.mark.parametrize("what", ["nonce", "participant", "contract", "chain", "empty", "truncated"])
def test_request_exit_reverts_when_the_signature_is_for_something_else(staking, world, by_anyone, what):
    ada, domain = world.ada, world.domain(staking)
    signature = ada.sign(
        {
            "nonce": domain.exit(ada.id, 1),
            "participant": domain.exit(world.vera.id, 0),
            "contract": Domain(chain.id, accounts[8].address).exit(ada.id, 0),
            "chain": Domain(chain.id + 1, staking.address).exit(ada.id, 0),
        }.get(what, domain.exit(ada.id, 0))
    )
    cut = {"empty": 0, "truncated": -1}.get(what, len(signature))
    with reverts("BadSignature", ada.id):
        staking.requestExit(ada.id, signature[:cut], by_anyone)


def test_request_exit_reverts_when_leaf_reused(staking, world, by_anyone):
    ada, domain = world.ada, world.domain(staking)
    ada.leaf = 4
    digest = domain.withdrawal(ada.id, accounts[5].address, 0)
    staking.changeWithdrawal(ada.id, accounts[5], ada.sign(digest), by_anyone)
    ada.leaf = 4
    with reverts("LeafReused", ada.id, 4, 5):
        staking.requestExit(ada.id, ada.sign(domain.exit(ada.id, 1)), by_anyone)


def test_request_exit_is_carried_by_anyone_and_starts_the_delay(staking, world, by_anyone):
    tx = staking.requestExit(world.ada.id, world.ada.sign(exit_digest(world, world.ada)), by_anyone)
    exitable_at = tx.timestamp + UNBONDING
    assert tx.events["ExitRequested"] == {"id": world.ada.id, "exitableAt": exitable_at}
    stored = staking.participant(world.ada.id)
    assert (stored["exitableAt"], stored["nonce"], stored["nextLeaf"]) == (exitable_at, 1, 1)


def test_request_exit_takes_a_validator_out_of_the_draw_at_once(staking, world):
    viktor = world.bond("viktor", "validator")
    ask_to_leave(world, world.vera)
    assert staking.activeValidators() == 1
    assert [staking.draw(word(f"seed {i}"), 1)[0] for i in range(8)] == [viktor.id] * 8


def test_withdraw_reverts_when_not_bonded(staking, by_anyone):
    with reverts("NotBonded", 9):
        staking.withdraw(9, by_anyone)


def test_withdraw_reverts_when_not_exiting(staking, world, by_anyone):
    with reverts("NotExiting", world.ada.id):
        staking.withdraw(world.ada.id, by_anyone)


def test_withdraw_reverts_when_still_unbonding(staking, world, by_anyone):
    ask_to_leave(world, world.ada)
    exitable_at = staking.participant(world.ada.id)["exitableAt"]
    world.next_at(exitable_at - 1)
    with reverts("StillUnbonding", world.ada.id, exitable_at):
        staking.withdraw(world.ada.id, by_anyone)


def test_withdraw_reverts_when_payment_refused(staking, world, by_anyone):
    receiver = world.mallory.deploy(RefusingReceiver)
    ada = world.ada
    digest = world.domain(staking).withdrawal(ada.id, receiver.address, 0)
    staking.changeWithdrawal(ada.id, receiver, ada.sign(digest), by_anyone)
    staking.requestExit(ada.id, ada.sign(exit_digest(world, ada, 1)), by_anyone)
    world.reach(staking.participant(ada.id)["exitableAt"])
    with reverts("PaymentRefused", receiver, CLIENT_STAKE):
        staking.withdraw(ada.id, by_anyone)
    assert staking.participant(ada.id)["stakeWei"] == CLIENT_STAKE


def test_withdraw_pays_stake_and_rewards_and_forgets_the_participant(staking, world, by_anyone):
    ada = world.ada
    reward(world, ada, 7)
    before = ada.withdrawal.balance()
    leave(world, ada)
    assert ada.withdrawal.balance() == before + CLIENT_STAKE + 7
    assert staking.participant(ada.id)["role"] == 0
    assert (staking.rewardsOf(ada.id), staking.totalStakeWei()) == (0, VALIDATOR_STAKE)
    assert is_solvent(staking)
    with reverts("NotBonded", ada.id):
        staking.withdraw(ada.id, by_anyone)


def test_withdraw_is_not_paid_twice_to_who_asks_again_while_being_paid(staking, world, by_anyone):
    greedy = world.mallory.deploy(GreedyReceiver, staking)
    ada = world.ada
    greedy.aim(ada.id, by_anyone)
    reward(world, ada, 7)
    digest = world.domain(staking).withdrawal(ada.id, greedy.address, 0)
    staking.changeWithdrawal(ada.id, greedy, ada.sign(digest), by_anyone)
    staking.requestExit(ada.id, ada.sign(exit_digest(world, ada, 1)), by_anyone)
    world.reach(staking.participant(ada.id)["exitableAt"])
    staking.withdraw(ada.id, by_anyone)
    assert (greedy.payments(), greedy.balance()) == (1, CLIENT_STAKE + 7)
    assert is_solvent(staking)


def test_ids_are_not_given_out_again(staking, world):
    leave(world, world.ada)
    assert world.bond("ben", "client").id == 3


# --- keys ------------------------------------------------------------------------------------------------------


def rotate(world: World, member, new: LmsSecret, nonce: int = 0) -> None:
    digest = world.domain(world.staking).rotation(member.id, new.public, nonce)
    world.staking.rotateKey(member.id, as_struct(new), member.sign(digest), {"from": world.relayer})
    member.secret, member.leaf = new, 0


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


# --- withdrawal address, authorisation -------------------------------------------------------------------------


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


def test_authorise_reverts_when_not_the_beacon(staking, world, by_anyone):
    with reverts("NotAuthorised", world.mallory):
        staking.authorise(world.vera.id, word("digest"), b"", by_anyone)


def test_authorise_reverts_when_not_bonded(staking, by_beacon):
    with reverts("NotBonded", 9):
        staking.authorise(9, word("digest"), b"", by_beacon)


def test_authorise_reverts_when_bad_signature(staking, world, by_beacon):
    with reverts("BadSignature", world.vera.id):
        staking.authorise(world.vera.id, word("digest"), world.vera.sign(word("another")), by_beacon)


def test_authorise_spends_the_leaf(staking, world, by_beacon):
    signature = world.vera.sign(word("digest"))
    staking.authorise(world.vera.id, word("digest"), signature, by_beacon)
    with reverts("LeafReused", world.vera.id, 0, 1):
        staking.authorise(world.vera.id, word("digest"), signature, by_beacon)


# --- rewards ---------------------------------------------------------------------------------------------------


def test_credit_reward_reverts_when_not_the_beacon(staking, world, by_anyone):
    with reverts("NotAuthorised", world.mallory):
        staking.creditReward(world.ada.id, 1, by_anyone)


def test_credit_reward_reverts_when_not_bonded(staking, by_beacon):
    with reverts("NotBonded", 9):
        staking.creditReward(9, 1, by_beacon)


def test_credit_reward_reverts_when_reward_pool_too_small(staking, world, by_beacon):
    staking.fundRewards({"from": world.relayer, "value": 6})
    with reverts("RewardPoolTooSmall", 7, 6):
        staking.creditReward(world.ada.id, 7, by_beacon)


def test_credit_reward_moves_from_the_pool_to_the_account(staking, world):
    reward(world, world.ada, 7)
    assert (staking.rewardPoolWei(), staking.rewardsOf(world.ada.id), staking.totalRewardsWei()) == (0, 7, 7)
    assert is_solvent(staking)


def test_pay_rewards_reverts_when_not_bonded(staking, by_anyone):
    with reverts("NotBonded", 9):
        staking.payRewards(9, by_anyone)


def test_pay_rewards_reverts_when_nothing_owed(staking, world, by_anyone):
    with reverts("NothingOwed", world.ada.id):
        staking.payRewards(world.ada.id, by_anyone)


def test_pay_rewards_pays_once(staking, world, by_anyone):
    reward(world, world.ada, 7)
    staking.payRewards(world.ada.id, by_anyone)
    assert world.ada.withdrawal.balance() == 7
    assert is_solvent(staking)
    with reverts("NothingOwed", world.ada.id):
        staking.payRewards(world.ada.id, by_anyone)


# --- slash -----------------------------------------------------------------------------------------------------


def test_slash_reverts_when_not_the_disputes_contract(staking, world, by_anyone):
    with reverts("NotAuthorised", world.mallory):
        staking.slash([world.vera.id], world.mallory, by_anyone)


def test_slash_reverts_when_the_challenger_refuses_its_bounty_and_others_still_can(staking, world, by_disputes):
    refusing = world.mallory.deploy(RefusingReceiver)
    with reverts("PaymentRefused", refusing, VALIDATOR_STAKE // 8):
        staking.slash([world.vera.id], refusing, by_disputes)
    staking.slash([world.vera.id], world.challenger, by_disputes)
    assert staking.participant(world.vera.id)["stakeWei"] == VALIDATOR_STAKE // 2


def test_slash_pays_a_bounty_and_burns_the_rest(staking, world, by_disputes):
    """Half of the stake is taken, a quarter of that is the bounty: 1/8, and 3/8 are burned."""
    before, burned = world.challenger.balance(), accounts.at(BURNED_TO, force=True).balance()
    tx = staking.slash([world.vera.id], world.challenger, by_disputes)
    assert world.challenger.balance() == before + ETHER // 8
    assert accounts.at(BURNED_TO, force=True).balance() == burned + 3 * ETHER // 8
    assert tx.events["Slashed"]["amountWei"] == ETHER // 2
    assert staking.totalStakeWei() == CLIENT_STAKE + ETHER // 2
    assert is_solvent(staking)


def test_slash_reaches_a_pending_exit(staking, world, by_disputes):
    ask_to_leave(world, world.vera)
    staking.slash([world.vera.id], world.challenger, by_disputes)
    world.reach(staking.participant(world.vera.id)["exitableAt"])
    before = world.vera.withdrawal.balance()
    staking.withdraw(world.vera.id, {"from": world.relayer})
    assert world.vera.withdrawal.balance() == before + ETHER // 2
    assert is_solvent(staking)


def test_slash_below_the_minimum_ends_draws_until_topped_up(staking, world, by_disputes, by_anyone):
    staking.slash([world.vera.id], world.challenger, by_disputes)
    assert staking.activeValidators() == 0
    staking.topUp(world.vera.id, by_anyone | {"value": ETHER // 2 - 1})
    assert staking.activeValidators() == 0
    staking.topUp(world.vera.id, by_anyone | {"value": 1})
    assert staking.draw(word("seed"), 1) == [world.vera.id]


def test_slash_above_the_minimum_only_lowers_the_chances(staking, world, by_disputes):
    rich = world.bond("viktor", "validator", stake=4 * ETHER)
    staking.slash([rich.id], world.challenger, by_disputes)
    assert staking.activeValidators() == 2


def test_slash_takes_nothing_from_who_has_left(staking, world, by_disputes):
    leave(world, world.vera)
    balance = staking.balance()
    tx = staking.slash([world.vera.id], world.challenger, by_disputes)
    assert "Slashed" not in tx.events
    assert staking.balance() == balance


def test_slash_of_several_pays_once_and_passes_over_who_has_left(staking, world, by_disputes):
    """Stakes of 1, 4 and 2 ether, the last withdrawn: 0.5 + 2 taken, a quarter of that as bounty."""
    rich, gone = (world.bond(name, "validator", stake=n * ETHER) for name, n in (("viktor", 4), ("vito", 2)))
    leave(world, gone)
    before, burned = world.challenger.balance(), accounts.at(BURNED_TO, force=True).balance()
    tx = staking.slash([world.vera.id, gone.id, rich.id], world.challenger, by_disputes)
    assert tx.return_value == 5 * ETHER // 2
    assert world.challenger.balance() == before + 5 * ETHER // 8
    assert accounts.at(BURNED_TO, force=True).balance() == burned + 15 * ETHER // 8
    slashed = [(event["id"], event["amountWei"], event["bountyWei"]) for event in tx.events["Slashed"]]
    assert slashed == [(world.vera.id, ETHER // 2, ETHER // 8), (rich.id, 2 * ETHER, ETHER // 2)]
    assert staking.totalStakeWei() == CLIENT_STAKE + ETHER // 2 + 2 * ETHER
    assert (staking.activeValidators(), is_solvent(staking)) == (1, True)


def test_slash_of_several_is_paid_once_to_who_asks_for_more_while_being_paid(staking, world, by_disputes, by_anyone):
    """The challenger is itself a participant with rewards, and collects them in the middle of its bounty."""
    greedy = world.mallory.deploy(GreedyReceiver, staking)
    ada, rich = world.ada, world.bond("viktor", "validator", stake=4 * ETHER)
    greedy.aim(ada.id, by_anyone)
    reward(world, ada, 7)
    digest = world.domain(staking).withdrawal(ada.id, greedy.address, 0)
    staking.changeWithdrawal(ada.id, greedy, ada.sign(digest), by_anyone)
    staking.slash([world.vera.id, rich.id], greedy, by_disputes)
    assert (greedy.payments(), greedy.balance()) == (2, 5 * ETHER // 8 + 7)
    assert is_solvent(staking)


def test_slash_of_several_is_undone_when_the_challenger_refuses_its_bounty(staking, world, by_disputes):
    refusing = world.mallory.deploy(RefusingReceiver)
    rich = world.bond("viktor", "validator", stake=4 * ETHER)
    with reverts("PaymentRefused", refusing, 5 * ETHER // 8):
        staking.slash([world.vera.id, rich.id], refusing, by_disputes)
    assert [staking.participant(member.id)["stakeWei"] for member in (world.vera, rich)] == [ETHER, 4 * ETHER]
    assert is_solvent(staking)


def test_slash_of_nobody_pays_nothing(staking, world, by_disputes):
    """Not even a call with no money: the challenger may be a contract that refuses to be called."""
    refusing = world.mallory.deploy(RefusingReceiver)
    leave(world, world.vera)
    assert staking.slash([world.vera.id], refusing, by_disputes).return_value == 0
