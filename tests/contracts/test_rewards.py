"""Rewards.

reward             reverts: NotFinal, NoCheckpoint (another, voided), NotIncluded (client, root, one missing),
                   AlreadyRewarded (a shard or publisher twice, also in one claim), NoPublisher (one shard, genesis) ·
                   credits each participant once for all it earned · many rounds in one claim · passes over who has left
chargeUnrevealed   reverts: NotOver, NothingDue (revealed, never committed, charged) · takes its part of the stake once
"""

from dataclasses import replace

import pytest
from brownie import chain

from tests.contracts.world import GWEI, build, reverts, word

UPDATE, SEAT, PUBLICATION = 10**6 * GWEI, 5 * 10**5 * GWEI, 10**6 * GWEI


@pytest.fixture
def everyone(world):
    return [world.ada, world.ben, world.cleo]


@pytest.fixture
def settled(world, everyone):
    """Round 1 is final, with three updates; this is its checkpoint."""
    return world.run_to_finality(everyone)


def credits_in(receipt) -> dict[int, int]:
    """What a claim credited, by participant; each of them once."""
    found = [(event["id"], event["amountWei"]) for event in receipt.events["RewardCredited"]]
    assert len(found) == len(dict(found))
    return dict(found)


def test_reward_reverts_when_not_final(world, everyone):
    checkpoint = world.run_to_publication(everyone)
    with reverts("NotFinal", 1):
        world.claim((checkpoint, everyone))
    with reverts("NotFinal", 1):
        world.claim(published=[1])


@pytest.mark.parametrize("change", [{"updates_root": word("own")}, {"count": 2}, {"included": 0b1011}, {"shard": 1}])
def test_reward_reverts_when_the_checkpoint_is_another(world, settled, everyone, change):
    with reverts("NoCheckpoint"):
        world.claim((replace(settled, **change), everyone))


def test_reward_reverts_when_not_included(world, settled, everyone):
    for changed in ({"client": world.ben.id}, {"root": word("another")}, {"digest": word("another")}):
        with reverts("NotIncluded", 1, 0):
            world.claim((settled, everyone), **changed)
    for members in (everyone[:2], everyone[::-1], [*everyone, world.ada]):
        with reverts("NotIncluded", 1, 0):
            world.claim((settled, members))


def test_reward_credits_everybody_once_with_all_they_earned(world, rewards, settled, everyone):
    credited = credits_in(world.claim((settled, everyone)))
    seats = [member.id for member in world.seats(1)[:3]]  # the fourth was not in the bundle
    assert credited == {member.id: UPDATE for member in everyone} | dict.fromkeys(seats, SEAT)
    assert (rewards.isShardRewarded(1, 0), rewards.isShardRewarded(1, 1)) == (True, False)
    with reverts("AlreadyRewarded", 1):
        world.claim((settled, everyone))


def test_reward_credits_the_publisher_once(two_shards, fn_isolation):
    world = two_shards.fresh()
    world.run_to_finality()
    publisher = world.beacon.roundAt(1)["publisher"]
    assert credits_in(world.claim(published=[1])) == {publisher: PUBLICATION}
    assert world.rewards.isPublisherRewarded(1)
    for published in ([1], [1, 1]):
        with reverts("AlreadyRewarded", 1):
            world.claim(published=published)


def test_nothing_is_rewarded_twice_in_one_claim(world, settled, everyone):
    with reverts("AlreadyRewarded", 1):
        world.claim((settled, everyone), (settled, everyone))


def test_many_rounds_in_one_claim_are_one_credit_each(world, settled, everyone):
    """That costs little: three rounds for one client's price of a round and a half."""
    one = world.claim((settled, everyone))
    later = [world.run_to_finality(everyone) for _ in range(3)]
    three = world.claim(*((checkpoint, everyone) for checkpoint in later))
    assert all(credits_in(three)[member.id] == 3 * UPDATE for member in everyone)
    assert three.gas_used < 1.5 * one.gas_used


def test_who_has_left_is_passed_over(world, settled, everyone):
    digest = world.domain(world.staking).exit(world.ada.id, 0)
    world.staking.requestExit(world.ada.id, world.ada.sign(digest), {"from": world.relayer})
    world.reach(world.staking.participant(world.ada.id)["exitableAt"])
    world.staking.withdraw(world.ada.id, {"from": world.relayer})
    credited = credits_in(world.claim((settled, everyone)))
    assert world.ada.id not in credited and credited[world.ben.id] == UPDATE


def test_reward_publisher_reverts_when_there_is_none(world, settled):
    for number in (0, 1):
        with reverts("NoPublisher", number):
            world.claim(published=[number])


def test_rewards_of_any_size_are_counted_in_full(module_isolation, disputes):
    """More than 18 ETH are more wei than 64 bits hold: a claim must not fail for ever once the pool is large enough."""
    rewards = {"publisherRewardGwei": 20 * 10**9, "challengeSeconds": 1}
    world = build(disputes=disputes, shards=2, seats=2, **rewards)
    checkpoint = world.run_to_finality()
    with reverts("RewardPoolTooSmall", 20 * 10**18, world.staking.rewardPoolWei()):
        world.claim(published=[checkpoint.round])


# --- commits that were never revealed ------------------------------------------------------------------------------


@pytest.fixture
def silent(world):
    """Round 1 takes reveals: ada has made hers, ben has not, and cleo never committed."""
    world.open()
    world.commit(world.ada)
    world.commit(world.ben)
    world.reach(world.ends_at("commit"))
    world.reveal(world.ada)
    return world


def test_charge_reverts_while_reveals_are_taken(silent, rewards, by):
    with reverts("NotOver", 1):
        rewards.chargeUnrevealed(1, 0, [silent.ben.id], by)


def test_charge_takes_its_part_of_the_stake_once(silent, rewards, by):
    silent.reach(silent.ends_at("reveal"))
    staking, ids = silent.staking, [member.id for member in (silent.ada, silent.ben, silent.cleo)]
    before = [staking.participant(number)["stakeWei"] for number in ids]
    rewards.chargeUnrevealed(1, 0, [*ids, silent.ben.id], by)
    lost = [stake - staking.participant(number)["stakeWei"] for stake, number in zip(before, ids, strict=True)]
    assert lost == [0, before[1] * staking.forfeitBps() // 10_000, 0]
    assert rewards.isCharged(1, silent.ben.id)
    with reverts("NothingDue", 1, 0):
        rewards.chargeUnrevealed(1, 0, ids, by)


def test_charge_reverts_for_a_round_that_never_was(world, rewards, by):
    for number in (0, 9):
        with reverts("NotOver", number):
            rewards.chargeUnrevealed(number, 0, [world.ada.id], by)


def test_nobody_is_charged_where_the_round_failed_before_it_could_reveal(world, everyone, rewards, by):
    """The model that round 2 builds on falls while round 2 takes commits."""
    world.run_to_publication(everyone)
    world.open()
    world.commit(world.ben, signed_base=world.checkpoint(()).base_root)
    world.contracts.disputes.voidModel(world.beacon, 1, by)
    world.reach(chain[-1].timestamp + 10**6)
    with reverts("NotOver", 2):
        rewards.chargeUnrevealed(2, 0, [world.ben.id], by)
