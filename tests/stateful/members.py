"""What both machines share: participants with stakes and keys, who come and go and are slashed.

Every call is predicted: it succeeds, or reverts with a named error. After each step the books balance; in the end
everyone gets out what it has.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from brownie import chain, web3
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.contracts.dispute_testnet import BURN, DisputeTestnet
from tests.contracts.world import VALIDATOR_STAKE, as_struct, key_of, reverts, word
from tests.stateful.ledger import Account, Ledger

WHO = st.integers(0, 7)
WEI = st.integers(0, 3 * VALIDATOR_STAKE)
FAULTS = ("aggregate", "updates", "norm", "model", "equivocation")
WORN_AT = 24
ENOUGH_BLOCKS = 30


class Members(RuleBasedStateMachine):
    """The ledger and `Staking`, side by side. `seen` counts, over all examples, the faults proven and the errors met.

    Transactions are one second apart unless a rule waits. A rule that cannot do anything returns at once: with
    preconditions, which depend on the chain's own random numbers, Hypothesis would see an inconsistent machine.
    """

    def __init__(self, court: DisputeTestnet, seen: Counter[str]) -> None:
        super().__init__()
        self.court, self.staking = court.fresh(), court.staking
        self.by, self.seen = {"from": court.relayer}, seen
        self.unbonding = self.staking.unbondingSeconds()
        self.ledger = Ledger(pool=self.staking.rewardPoolWei())
        for member in self.court.members.values():
            found = self.staking.participant(member.id)
            self.ledger.enter(member, is_validator=found["role"] == 2, stake=found["stakeWei"])
        self.first_block = chain.height
        self.bounties_before, self.burned_before = court.challenger.balance(), web3.eth.get_balance(BURN)

    def pick(self, who: int) -> Account:
        accounts = list(self.ledger.accounts.values())
        return accounts[who % len(accounts)]

    @property
    def next_second(self) -> int:
        """When the next transaction happens."""
        return int(chain[-1].timestamp) + 1

    def wait_until(self, time: int) -> None:
        """So that the next transaction happens later than `time`; at once if it is over."""
        if time > chain[-1].timestamp:
            self.court.reach(time)

    def expect(self, error: str | None, call: Any, *arguments: Any) -> bool:
        """Make the call in the next second; True when it went through, as it must unless `error` is expected."""
        self.court.next_at(self.next_second)
        if error is None:
            call(*arguments)
            return True
        with reverts(error):
            call(*arguments)
        self.seen[error] += 1
        return False

    def expect_of(self, account: Account, error: str | None, call: Any, *arguments: Any) -> bool:
        """The same of a call that only who has not left may make."""
        return self.expect("NotBonded" if account.has_left else error, call, *arguments)

    # --- what participants do --------------------------------------------------------------------------------

    @rule(who=WHO, amount=WEI)
    def top_up(self, who: int, amount: int) -> None:
        account = self.pick(who)
        error = "Exiting" if account.exitable_at else None if amount else "StakeTooLow"
        if self.expect_of(account, error, self.staking.topUp, account.member.id, self.by | {"value": amount}):
            account.stake += amount

    @rule(who=WHO, is_forged=st.booleans())
    def ask_to_leave(self, who: int, is_forged: bool) -> None:
        account, member = self.pick(who), self.pick(who).member
        error = "Exiting" if account.exitable_at else "BadSignature" if is_forged else None
        digest = self.court.domain(self.staking).exit(member.id, account.nonce)
        signature = member.sign(digest) if error is None else key_of("mallory").sign(31, digest)
        if self.expect_of(account, error, self.staking.requestExit, member.id, signature, self.by):
            account.exitable_at = chain[-1].timestamp + self.unbonding
            account.nonce += 1

    @rule(who=WHO)
    def rotate(self, who: int) -> None:
        account, member = self.pick(who), self.pick(who).member
        new = key_of(f"{member.name}, key {account.key_index + 1}")
        digest = self.court.domain(self.staking).rotation(member.id, new.public, account.nonce)
        call = (member.id, as_struct(new), b"" if account.has_left else member.sign(digest), self.by)
        if self.expect_of(account, None, self.staking.rotateKey, *call):
            account.retired.append(chain[-1].timestamp)
            account.nonce += 1
            member.secret, member.leaf = new, 0

    def replace_worn_keys(self) -> None:
        """As everybody does in time: a key of height 5 signs 32 messages."""
        for who, account in enumerate(self.ledger.accounts.values()):
            if account.member.leaf >= WORN_AT and not account.has_left:
                self.rotate(who)

    @rule(who=WHO)
    def withdraw(self, who: int) -> None:
        account = self.pick(who)
        error = "NotExiting" if not account.exitable_at else None
        if account.exitable_at > self.next_second:
            error = "StillUnbonding"
            self.wait_until(account.exitable_at - 2)
        if self.expect_of(account, error, self.staking.withdraw, account.member.id, self.by):
            account.paid += account.stake + account.rewards
            account.stake = account.rewards = 0
            account.retired.append(chain[-1].timestamp)
            account.has_left = True

    @rule(who=WHO)
    def pay(self, who: int) -> None:
        account = self.pick(who)
        error = None if account.rewards else "NothingOwed"
        if self.expect_of(account, error, self.staking.payRewards, account.member.id, self.by):
            account.paid += account.rewards
            account.rewards = 0

    # --- what happens to them --------------------------------------------------------------------------------

    def prove(self, error: str | None, fault: str, guilty: Sequence[int], dispute: Any, *proof: Any) -> bool:
        """Bring a proof to the disputes contract: the guilty pay and nobody else, or it reverts with `error`."""
        by = {"from": self.court.challenger}
        if error is not None:
            # Asked, not sent: what reverts changes nothing, and Brownie traces what was sent, which takes seconds.
            with reverts(error):
                dispute.call(*proof, by)
            self.seen[error] += 1
            return False
        event = dispute(*proof, by).events["FaultProven"]
        assert FAULTS[event["fault"]] == fault
        assert list(event["guilty"]) == list(guilty)
        assert event["takenWei"] == self.ledger.slash(guilty)
        assert self.court.stakes() == self.ledger.stakes
        self.seen[fault] += 1
        return True

    # --- what holds --------------------------------------------------------------------------------------------

    @invariant()
    def books_balance(self) -> None:
        stakes, rewards, pool = sum(self.ledger.stakes.values()), self.ledger.rewards, self.ledger.pool
        found = (self.staking.totalStakeWei(), self.staking.totalRewardsWei(), self.staking.rewardPoolWei())
        assert found == (stakes, rewards, pool)
        assert self.staking.balance() == stakes + rewards + pool

    @invariant()
    def what_was_slashed_is_paid_out_or_burned(self) -> None:
        assert self.court.challenger.balance() - self.bounties_before == self.ledger.bounties
        assert web3.eth.get_balance(BURN) - self.burned_before == self.ledger.burned

    @invariant()
    def exactly_the_drawable_can_be_drawn(self) -> None:
        """Not who was slashed below the minimum, not who is leaving."""
        drawable, draw = self.ledger.drawable, self.court.draw
        assert self.staking.activeValidators() == len(drawable)
        counted = [i for i in drawable if draw.weightOf(i)]
        assert set(draw.sample(word("seed"), len(counted))) == set(counted)

    def teardown(self) -> None:
        """Everyone leaves, and has got all that was owed: nothing but the reward pool is left."""
        if sys.exc_info()[0] is not None:
            return
        # Hypothesis would spend its first ten examples on the shortest ones, unless they are no examples.
        assume(chain.height - self.first_block >= ENOUGH_BLOCKS)
        for who, account in enumerate(self.ledger.accounts.values()):
            if not account.exitable_at:
                self.ask_to_leave(who, is_forged=False)
        self.court.reach(chain[-1].timestamp + self.unbonding)
        for who, account in enumerate(self.ledger.accounts.values()):
            if not account.has_left:
                self.withdraw(who)
            assert account.member.withdrawal.balance() == account.paid
        assert self.staking.balance() == self.ledger.pool
