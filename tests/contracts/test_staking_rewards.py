"""Staking: rewards.

creditReward           reverts: NotAuthorised, NotBonded, RewardPoolTooSmall · pool to account
payRewards             reverts: NotBonded, NothingOwed, PaymentRefused · pays, once
"""

from __future__ import annotations

import pytest

from tests.contracts.bank import is_solvent, reward, staking_alone
from tests.contracts.world import World, reverts


@pytest.fixture(scope="module")
def deployed(module_isolation: None) -> World:
    return staking_alone()


def test_credit_reward_reverts_when_not_the_rewards_contract(staking, world, by_anyone):
    with reverts("NotAuthorised", world.mallory):
        staking.creditReward(world.ada.id, 1, by_anyone)


def test_credit_reward_reverts_when_not_bonded(staking, by_rewards):
    with reverts("NotBonded", 9):
        staking.creditReward(9, 1, by_rewards)


def test_credit_reward_reverts_when_reward_pool_too_small(staking, world, by_rewards):
    staking.fundRewards({"from": world.relayer, "value": 6})
    with reverts("RewardPoolTooSmall", 7, 6):
        staking.creditReward(world.ada.id, 7, by_rewards)


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
