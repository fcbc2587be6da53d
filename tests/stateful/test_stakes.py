"""Any order of bonds, top-ups, exits, withdrawals, rotations, rewards and slashes, against a ledger in Python.

Every call is predicted: it succeeds, or reverts with a named error. After each step the books balance; in the end
everyone gets their money out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from brownie import Staking, accounts, chain
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from qfl.chain.parameters import load_parameters
from scripts.deploy import Contracts, in_order
from tests.contracts.world import CLIENT_STAKE, VALIDATOR_STAKE, Member, World, as_struct, key_of, reverts, word

UNBONDING = 1_000
WHO = st.integers(0, 5)
WEI = st.integers(0, 3 * VALIDATOR_STAKE)


@dataclass
class Account:
    """What the ledger knows of a participant. `paid` is what its withdrawal account has received."""

    member: Member
    is_validator: bool
    stake: int
    rewards: int = 0
    exitable_at: int = 0
    nonce: int = 0
    has_left: bool = False
    paid: int = 0

    @property
    def is_drawable(self) -> bool:
        return self.is_validator and not self.exitable_at and self.stake >= VALIDATOR_STAKE


class Stakes(RuleBasedStateMachine):
    """The ledger and the contract, side by side. Accounts stand in for the beacon and the disputes contract."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world, self.staking = world.fresh(), world.staking
        self.by_beacon, self.by_disputes = {"from": world.beacon}, {"from": accounts[9]}
        self.by = {"from": world.relayer}
        self.ledger: list[Account] = []
        self.pool = 0

    def pick(self, number: int) -> Account:
        return self.ledger[number % len(self.ledger)]

    def expect(self, account: Account, error: str | None, call: Any, *arguments: Any) -> bool:
        """Make the call; True when it went through, as it must unless `error` is expected."""
        error = "NotBonded" if account.has_left else error
        if error is None:
            call(*arguments)
            return True
        with reverts(error):
            call(*arguments)
        return False

    @initialize()
    def two_to_begin_with(self) -> None:
        self.bond(False, 0)
        self.bond(True, 0)

    @rule(is_validator=st.booleans(), extra=WEI)
    def bond(self, is_validator: bool, extra: int) -> None:
        role, least = ("validator", VALIDATOR_STAKE) if is_validator else ("client", CLIENT_STAKE)
        member = self.world.bond(f"member {len(self.ledger)}", role, stake=least + extra)
        self.ledger.append(Account(member, is_validator, least + extra, paid=-member.withdrawal.balance()))

    @rule(who=WHO, amount=WEI)
    def top_up(self, who: int, amount: int) -> None:
        account = self.pick(who)
        error = "Exiting" if account.exitable_at else None
        if self.expect(account, error, self.staking.topUp, account.member.id, self.by | {"value": amount}):
            account.stake += amount

    @rule(who=WHO, is_forged=st.booleans())
    def ask_to_leave(self, who: int, is_forged: bool) -> None:
        account, member = self.pick(who), self.pick(who).member
        digest = self.world.domain(self.staking).exit(member.id, account.nonce)
        signature = key_of("mallory").sign(31, digest) if is_forged else member.sign(digest)
        error = "Exiting" if account.exitable_at else "BadSignature" if is_forged else None
        if self.expect(account, error, self.staking.requestExit, member.id, signature, self.by):
            account.exitable_at = chain[-1].timestamp + UNBONDING
            account.nonce += 1

    @rule(who=WHO)
    def rotate(self, who: int) -> None:
        account, member = self.pick(who), self.pick(who).member
        new = key_of(f"{member.name}, key {account.nonce + 1}")
        digest = self.world.domain(self.staking).rotation(member.id, new.public, account.nonce)
        call = (member.id, as_struct(new), member.sign(digest), self.by)
        if self.expect(account, None, self.staking.rotateKey, *call):
            account.nonce += 1
            member.secret, member.leaf = new, 0

    @rule(who=WHO)
    def withdraw(self, who: int) -> None:
        account = self.pick(who)
        self.world.reach(chain[-1].timestamp + 1)
        too_early = chain[-1].timestamp + 1 < account.exitable_at
        error = "NotExiting" if not account.exitable_at else "StillUnbonding" if too_early else None
        if error == "StillUnbonding":
            self.world.next_at(account.exitable_at - 1)
        if self.expect(account, error, self.staking.withdraw, account.member.id, self.by):
            account.paid += account.stake + account.rewards
            account.stake = account.rewards = 0
            account.has_left = True

    @rule(amount=WEI)
    def fund(self, amount: int) -> None:
        self.staking.fundRewards(self.by | {"value": amount})
        self.pool += amount

    @rule(who=WHO, percent=st.integers(0, 120))
    def credit(self, who: int, percent: int) -> None:
        account, amount = self.pick(who), (self.pool + 1) * percent // 100
        error = "RewardPoolTooSmall" if amount > self.pool else None
        if self.expect(account, error, self.staking.creditReward, account.member.id, amount, self.by_beacon):
            self.pool -= amount
            account.rewards += amount

    @rule(who=WHO)
    def pay(self, who: int) -> None:
        account = self.pick(who)
        error = None if account.rewards else "NothingOwed"
        if self.expect(account, error, self.staking.payRewards, account.member.id, self.by):
            account.paid += account.rewards
            account.rewards = 0

    @rule(who=WHO)
    def slash(self, who: int) -> None:
        account = self.pick(who)
        before = self.world.challenger.balance()
        self.staking.slash(account.member.id, self.world.challenger, self.by_disputes)
        taken = account.stake // 2
        account.stake -= taken
        assert self.world.challenger.balance() == before + taken // 4

    @rule(seconds=st.sampled_from([1, UNBONDING // 2, UNBONDING]))
    def wait(self, seconds: int) -> None:
        self.world.reach(chain[-1].timestamp + seconds)

    @invariant()
    def books_balance(self) -> None:
        stakes, rewards = sum(a.stake for a in self.ledger), sum(a.rewards for a in self.ledger)
        found = (self.staking.totalStakeWei(), self.staking.totalRewardsWei(), self.staking.rewardPoolWei())
        assert found == (stakes, rewards, self.pool)
        assert self.staking.balance() == stakes + rewards + self.pool

    @invariant()
    def exactly_the_drawable_can_be_drawn(self) -> None:
        drawable = {account.member.id for account in self.ledger if account.is_drawable}
        assert self.staking.activeValidators() == len(drawable)
        assert set(self.staking.draw(word("seed"), len(drawable))) == drawable

    def teardown(self) -> None:
        """Everyone leaves, and has got all that was owed: nothing but the reward pool is left."""
        for who, account in enumerate(self.ledger):
            if not account.exitable_at:
                self.ask_to_leave(who, is_forged=False)
        self.world.reach(chain[-1].timestamp + UNBONDING)
        for who, account in enumerate(self.ledger):
            if not account.has_left:
                self.withdraw(who)
            assert account.member.withdrawal.balance() == account.paid
        assert self.staking.balance() == self.pool


def test_stakes(run_machine):
    parameters = load_parameters(unbondingSeconds=UNBONDING)
    staking = accounts[0].deploy(Staking, in_order(Staking, 0, parameters.staking))
    staking.wire(accounts[8], accounts[9], {"from": accounts[0]})
    world = World(Contracts(staking, None, accounts[8], [None]), parameters)
    run_machine(lambda: Stakes(world), examples=24, steps=25)
