"""Staking: rewards.

creditRewards          reverts: NotAuthorized, RewardPoolTooSmall · pool to accounts, of those who have not left
forfeit                reverts: NotAuthorized · takes a share of stakes for the pool, and a bounty
payRewards             reverts: NotBonded, NothingOwed, PaymentRefused · pays, once
"""

import pytest

from tests.contracts.bank import ask_to_leave, is_solvent, reward, staking_alone
from tests.contracts.world import CLIENT_STAKE, World, reverts


@pytest.fixture(scope="module")
def deployed(module_isolation: None) -> World:
    return staking_alone()


def test_credit_reward_reverts_when_not_the_rewards_contract(staking, world, by_anyone):
    with reverts("NotAuthorized", world.mallory):
        staking.creditRewards([world.ada.id], [1], by_anyone)


def test_credit_rewards_passes_over_who_has_left(staking, world, by_rewards):
    """What it would get stays in the pool, and keeps nobody else from theirs."""
    staking.fundRewards({"from": world.relayer, "value": 10})
    staking.creditRewards([9, world.ada.id], [4, 6], by_rewards)
    assert (staking.rewardPoolWei(), staking.rewardsOf(9), staking.rewardsOf(world.ada.id)) == (4, 0, 6)
    assert is_solvent(staking)


def test_credit_reward_reverts_when_reward_pool_too_small(staking, world, by_rewards):
    staking.fundRewards({"from": world.relayer, "value": 6})
    with reverts("RewardPoolTooSmall", 7, 6):
        staking.creditRewards([world.ada.id, world.vera.id], [3, 4], by_rewards)


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


def test_forfeit_reverts_when_not_the_rewards_contract(staking, world, by_anyone):
    with reverts("NotAuthorized", world.mallory):
        staking.forfeit([world.ada.id], world.mallory, by_anyone)


def test_forfeit_takes_a_share_for_the_pool_and_a_bounty_for_who_collects_it(staking, world, by_rewards):
    """An exit that was asked for saves nobody; who has left is passed over."""
    ask_to_leave(world, world.ada)
    stake, before = staking.participant(world.ada.id)["stakeWei"], world.challenger.balance()
    staking.forfeit([world.ada.id, 9], world.challenger, by_rewards)
    taken = stake * staking.forfeitBps() // 10_000
    bounty = taken * staking.bountyBps() // 10_000
    assert 0 < taken < stake // 10
    assert staking.participant(world.ada.id)["stakeWei"] == stake - taken
    assert (world.challenger.balance() - before, staking.rewardPoolWei()) == (bounty, taken - bounty)
    assert is_solvent(staking)


def test_a_client_below_half_of_the_minimum_counts_no_more_until_it_is_topped_up(
    staking, world, by_rewards, by_disputes
):
    staking.forfeit([world.ada.id], world.challenger, by_rewards)
    assert staking.activeClients() == 1
    staking.slash([world.ada.id], world.challenger, by_disputes)
    assert staking.activeClients() == 0
    staking.topUp(world.ada.id, {"from": world.relayer, "value": CLIENT_STAKE})
    assert staking.activeClients() == 1
    ask_to_leave(world, world.ada)
    assert staking.activeClients() == 0
