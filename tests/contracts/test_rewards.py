"""Rewards.

rewardUpdate      reverts: NotFinal, NoCheckpoint (other checkpoint), NotIncluded (client, position, path),
                  AlreadyRewarded · credits each included client once
rewardSeat        reverts: NotFinal, NoCheckpoint, NotAttested, AlreadyRewarded · credits who attested
rewardPublisher   reverts: NotFinal, AlreadyRewarded (twice; genesis) · credits
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.world import GWEI, reverts, word


@pytest.fixture
def everyone(world):
    return [world.ada, world.ben, world.cleo]


@pytest.fixture
def settled(world, everyone):
    """Round 1 is final, with three updates; this is its checkpoint."""
    return world.run_to_finality(everyone)


def test_reward_reverts_when_not_final(world, rewards, by, everyone):
    checkpoint = world.run_to_publication(everyone)
    for call in (
        lambda: world.claim(checkpoint, everyone, 0),
        lambda: rewards.rewardSeat(1, 0, 0, by),
        lambda: rewards.rewardPublisher(1, by),
    ):
        with reverts("NotFinal", 1):
            call()


@pytest.mark.parametrize("change", [{"updates_root": word("own")}, {"count": 2}, {"included": 0b1011}, {"shard": 1}])
def test_reward_update_reverts_when_the_checkpoint_is_another(world, settled, everyone, change):
    with reverts("NoCheckpoint"):
        world.claim(replace(settled, **change), everyone, 0)


def test_reward_update_reverts_when_not_included(world, settled, everyone):
    for changed in (
        {"client": world.ben.id},
        {"position": 1},
        {"position": 3},
        {"position": 256},
        {"root": word("another")},
        {"digest": word("another")},
        {"path": world.path(everyone, 0)[:1]},
    ):
        with reverts("NotIncluded", 1, 0, changed.get("client", world.ada.id)):
            world.claim(settled, everyone, 0, **changed)


def test_reward_update_reverts_when_already_rewarded(world, settled, everyone):
    world.claim(settled, everyone, 2)
    with reverts("AlreadyRewarded", 1):
        world.claim(settled, everyone, 2)


def test_reward_update_credits_each_included_client_once(world, rewards, settled, everyone):
    for position in range(3):
        world.claim(settled, everyone, position)
    assert [world.staking.rewardsOf(m.id) for m in everyone] == [10**6 * GWEI] * 3
    assert rewards.rewardedUpdates(1, 0) == 0b111


def test_reward_seat_reverts_when_no_checkpoint(world, rewards, settled, by):
    with reverts("NoCheckpoint", 1, 1):
        rewards.rewardSeat(1, 1, 0, by)


@pytest.mark.parametrize("seat", [3, 64, 255])
def test_reward_seat_reverts_when_not_attested(world, rewards, settled, by, seat):
    with reverts("NotAttested", 1, 0, seat):
        rewards.rewardSeat(1, 0, seat, by)


def test_reward_seat_credits_who_attested_once(world, rewards, settled, by):
    for seat in range(3):
        rewards.rewardSeat(1, 0, seat, by)
    assert [world.staking.rewardsOf(m.id) for m in world.seats(1)] == [5 * 10**5 * GWEI] * 3 + [0]
    with reverts("AlreadyRewarded", 1):
        rewards.rewardSeat(1, 0, 2, by)


def test_reward_publisher_reverts_when_there_is_none(rewards, by):
    with reverts("AlreadyRewarded", 0):
        rewards.rewardPublisher(0, by)


def test_reward_publisher_credits_once(world, rewards, settled, by):
    rewards.rewardPublisher(1, by)
    assert world.staking.rewardsOf(world.vera.id) == 10**6 * GWEI
    with reverts("AlreadyRewarded", 1):
        rewards.rewardPublisher(1, by)
