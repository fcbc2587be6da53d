"""What the tests of `Staking` share: the contract without the others, and the moves of its participants."""

from brownie import Draw, Staking, accounts

from qfl.chain.parameters import load_parameters
from qfl.crypto.lms import LmsSecret
from scripts.deploy import Contracts, in_order
from tests.contracts.world import World, as_struct


def staking_alone() -> World:
    """Staking alone: accounts stand in for beacon, disputes and rewards. One of each role is bonded."""
    parameters = load_parameters()
    staking = accounts[0].deploy(Staking, in_order(Staking, 0, parameters.staking))
    rewards, beacon, disputes = accounts[7:10]
    draw = accounts[0].deploy(Draw, staking)
    staking.wire(beacon, draw, disputes, rewards, {"from": accounts[0]})
    world = World(Contracts(staking, draw, None, beacon, [None], rewards, None, disputes), parameters)
    world.bond("ada", "client")
    world.bond("vera", "validator")
    return world


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
    world.staking.creditRewards([member.id], [amount], {"from": world.rewards})


def is_solvent(staking: Staking) -> bool:
    owed = staking.totalStakeWei() + staking.totalRewardsWei() + staking.rewardPoolWei()
    return bool(staking.balance() == owed)


def rotate(world: World, member, new: LmsSecret, nonce: int = 0) -> None:
    digest = world.domain(world.staking).rotation(member.id, new.public, nonce)
    world.staking.rotateKey(member.id, as_struct(new), member.sign(digest), {"from": world.relayer})
    member.secret, member.leaf = new, 0
