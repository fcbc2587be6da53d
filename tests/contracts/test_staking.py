"""Staking: joining and leaving.

constructor            reverts: BadParameters for each parameter
wire                   reverts: NotAuthorized, AlreadyWired · sets both, once
bondClient/Validator   reverts: StakeTooLow, StakeTooHigh, UnsupportedKeyHeight, EmptyKey, EmptyAnchor, EmptyWithdrawal
                       numbers participants · a validator can be drawn, a client cannot
topUp                  reverts: NotBonded, Exiting, StakeTooLow · adds to the stake, and to a validator's weight
requestExit            reverts: NotBonded, Exiting, LeafReused, BadSignature (other key, other nonce, other contract,
                       other chain, the participant's own account without its key) · leaves the draw at once
withdraw               reverts: NotBonded, NotExiting, StillUnbonding, PaymentRefused · pays stake and rewards, once
"""

import pytest
from brownie import GreedyReceiver, RefusingReceiver, Staking, accounts, chain

from qfl.chain.parameters import load_parameters
from qfl.protocol.digests import Domain
from scripts.deploy import NOBODY, in_order
from tests.contracts.bank import ask_to_leave, exit_digest, is_solvent, leave, reward, staking_alone
from tests.contracts.world import CLIENT_STAKE, VALIDATOR_STAKE, World, as_struct, key_of, request, reverts, word

UNBONDING = 86_400
ANCHOR = word("anchor")[:28]
ETHER = 10**18


@pytest.fixture(scope="module")
def deployed(module_isolation: None) -> World:
    return staking_alone()


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
        ("forfeitBps", 10_001),
    ],
)
def test_constructor_reverts_when_bad_parameters(world, name, value):
    parameters = load_parameters(**{name: value})
    with reverts("BadParameters", name, value):
        accounts[0].deploy(Staking, in_order(Staking, 0, parameters.staking))


def test_wire_reverts_when_not_authorized(world):
    other = accounts[0].deploy(Staking, in_order(Staking, 0, load_parameters().staking))
    with reverts("NotAuthorized", world.mallory):
        other.wire(world.mallory, world.mallory, world.mallory, world.mallory, {"from": world.mallory})


def test_wire_reverts_when_already_wired(staking, world):
    with reverts("AlreadyWired"):
        staking.wire(world.mallory, world.mallory, world.mallory, world.mallory, {"from": world.owner})


def test_wire_sets_who_may_authorize_slash_and_credit(staking):
    assert (staking.beacon(), staking.disputes(), staking.rewards()) == (accounts[8], accounts[9], accounts[7])


# --- bond ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("call", "least"), [("bondClient", CLIENT_STAKE), ("bondValidator", VALIDATOR_STAKE)])
def test_bond_reverts_when_stake_too_low(staking, world, call, least):
    with reverts("StakeTooLow", least - 1, least):
        by = {"from": world.relayer, "value": least - 1}
        chain_end = (ANCHOR, 1) if call == "bondClient" else (ANCHOR,)
        getattr(staking, call)(as_struct(key_of("new")), *chain_end, accounts[5], by)


@pytest.mark.parametrize("height", [0, 4, 20])
def test_bond_reverts_when_unsupported_key_height(staking, world, height):
    key = (*as_struct(key_of("new"))[:2], height)
    with reverts("UnsupportedKeyHeight", height):
        staking.bondClient(key, ANCHOR, 1, accounts[5], {"from": world.relayer, "value": CLIENT_STAKE})


def test_bond_reverts_when_empty_key(staking, world):
    key = (as_struct(key_of("new"))[0], bytes(24), 5)
    with reverts("EmptyKey"):
        staking.bondValidator(key, ANCHOR, accounts[5], {"from": world.relayer, "value": VALIDATOR_STAKE})


def test_bond_reverts_when_a_validator_names_no_hash_chain(staking, world):
    with reverts("EmptyAnchor"):
        by = {"from": world.relayer, "value": VALIDATOR_STAKE}
        staking.bondValidator(as_struct(key_of("new")), bytes(28), accounts[5], by)


def test_a_client_may_name_a_hash_chain_and_change_it(staking, world, by_anyone):
    by = {"from": world.relayer, "value": CLIENT_STAKE}
    tx = staking.bondClient(as_struct(key_of("new")), ANCHOR, 7, accounts[5], by)
    number = tx.events["Bonded"]["id"]
    assert tuple(staking.anchorOf(number)) == ("0x" + ANCHOR.hex(), 7)
    other = word("another")[:28]
    signature = key_of("new").sign(0, world.domain(staking).anchor(number, other, 0, first_round=9))
    with reverts("BadSignature", number):
        staking.setAnchor(number, other, 8, signature, by_anyone)
    staking.setAnchor(number, other, 9, signature, by_anyone)
    assert tuple(staking.anchorOf(number)) == ("0x" + other.hex(), 9)


def test_bond_reverts_when_empty_withdrawal(staking, world):
    with reverts("EmptyWithdrawal"):
        staking.bondClient(as_struct(key_of("new")), ANCHOR, 1, NOBODY, {"from": world.relayer, "value": CLIENT_STAKE})


def test_bond_reverts_when_all_stakes_exceed_88_bits(staking, world):
    too_much = 2**88 - staking.totalStakeWei()
    request("anvil_setBalance", world.relayer.address, hex(2**89))
    with reverts("StakeTooHigh", too_much):
        staking.bondClient(as_struct(key_of("new")), ANCHOR, 1, accounts[5], {"from": world.relayer, "value": too_much})


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
    }
    assert is_solvent(staking)


def test_bond_makes_validators_drawable_but_not_clients(staking, world):
    viktor = world.bond("viktor", "validator")
    assert staking.activeValidators() == 2
    assert set(world.draw.sample(word("seed"), 2)) == {world.vera.id, viktor.id}


def test_draw_reverts_when_too_few_validators(staking, world):
    with reverts("TooFewValidators", 1, 2):
        world.draw.sample(word("seed"), 2)


# --- topUp -----------------------------------------------------------------------------------------------------


def test_top_up_reverts_when_not_bonded(staking, by_anyone):
    with reverts("NotBonded", 9):
        staking.topUp(9, by_anyone | {"value": 1})


def test_top_up_reverts_when_exiting(staking, world, by_anyone):
    ask_to_leave(world, world.ada)
    with reverts("Exiting", world.ada.id, staking.participant(world.ada.id)["exitableAt"]):
        staking.topUp(world.ada.id, by_anyone | {"value": 1})


def test_top_up_reverts_when_nothing_is_added(staking, world, by_anyone):
    """Else it would fill the draw's queue for its gas."""
    with reverts("StakeTooLow", 0, 1):
        staking.topUp(world.vera.id, by_anyone)


def test_top_up_adds_to_the_stake(staking, world, by_anyone):
    staking.topUp(world.ada.id, by_anyone | {"value": 5})
    assert staking.participant(world.ada.id)["stakeWei"] == CLIENT_STAKE + 5
    assert staking.totalStakeWei() == CLIENT_STAKE + VALIDATOR_STAKE + 5
    assert is_solvent(staking)


def test_top_up_raises_a_validators_chances(staking, world, by_anyone):
    world.bond("viktor", "validator")
    staking.topUp(world.vera.id, by_anyone | {"value": 9_000 * ETHER})
    assert {world.draw.sample(word(f"seed {i}"), 1)[0] for i in range(20)} == {world.vera.id}


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
    assert [world.draw.sample(word(f"seed {i}"), 1)[0] for i in range(8)] == [viktor.id] * 8


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
