"""Staking: slashing.

slash                  reverts: NotAuthorized, PaymentRefused · bounty and burn · a pending exit too · below the
                       minimum: no more draws until topped up · who has left is passed over · many at once: one
                       payment each, books balance for a challenger that asks for more while being paid
"""

import pytest
from brownie import GreedyReceiver, RefusingReceiver, accounts

from tests.contracts.bank import ask_to_leave, is_solvent, leave, reward, staking_alone
from tests.contracts.world import CLIENT_STAKE, VALIDATOR_STAKE, World, reverts, word

BURNED_TO = "0x000000000000000000000000000000000000dEaD"
ETHER = 10**18


@pytest.fixture(scope="module")
def deployed(module_isolation: None) -> World:
    return staking_alone()


def test_slash_reverts_when_not_the_disputes_contract(staking, world, by_anyone):
    with reverts("NotAuthorized", world.mallory):
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
    assert world.draw.sample(word("seed"), 1) == [world.vera.id]


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
