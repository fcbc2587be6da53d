"""Any order of bonds, top-ups, exits, withdrawals, rotations, rewards and proven faults, against a ledger in Python.

Faults are real ones: seats that sign twice, committees that attest an update nobody revealed. They are proven at once
or much later, again and again, and of who has left.
"""

from collections import Counter
from typing import Any

import pytest
from brownie import accounts, chain
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from qfl.protocol.types import Checkpoint
from tests.contracts.dispute_testnet import set_up_disputes
from tests.contracts.world import CLIENT_STAKE, VALIDATOR_STAKE, as_tuple
from tests.stateful.equivocators import BACK, SEATS, Equivocators, Seated
from tests.stateful.members import WEI, WHO

pytestmark = pytest.mark.rest

UNBONDING = 1_000
PHASES = ("commitSeconds", "revealSeconds", "turnSeconds", "checkpointSeconds", "publishSeconds", "challengeSeconds")
SECONDS = 10


class Stakes(Equivocators):
    """Rounds that fail, each with a committee that can be guilty."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.by_rewards = {"from": accounts.at(self.court.rewards.address, force=True)}
        self.phantoms: list[Checkpoint] = []
        self.convicted: set[int] = set()

    @initialize(extras=st.tuples(*[WEI] * (SEATS + 1)))
    def begin(self, extras: tuple[int, ...]) -> None:
        self.bond(False, 0)
        for extra in extras:
            self.bond(True, extra)
        self.open_round(does_attest=True)
        self.sign_twice(0, seat=0)

    @rule(is_validator=st.booleans(), extra=WEI)
    def bond(self, is_validator: bool, extra: int) -> None:
        role, least = ("validator", VALIDATOR_STAKE) if is_validator else ("client", CLIENT_STAKE)
        member = self.court.bond(f"member {len(self.ledger.accounts)}", role, stake=least + extra)
        self.ledger.enter(member, is_validator, least + extra)

    @rule(amount=WEI)
    def fund(self, amount: int) -> None:
        self.staking.fundRewards(self.by | {"value": amount})
        self.ledger.pool += amount

    @rule(who=WHO, percent=st.integers(0, 120))
    def credit(self, who: int, percent: int) -> None:
        account, amount = self.pick(who), (self.ledger.pool + 1) * percent // 100
        error = "RewardPoolTooSmall" if amount > self.ledger.pool else None
        error = None if account.has_left else error
        did_go = self.expect(error, self.staking.creditRewards, [account.member.id], [amount], self.by_rewards)
        if did_go and not account.has_left:
            self.ledger.credit(account.member.id, amount)

    @rule(does_attest=st.booleans())
    def open_round(self, does_attest: bool) -> None:
        """Once the round before is over; its committee attests an update that nobody revealed, or nothing."""
        self.replace_worn_keys()
        self.wait_until(self.round_model[-1].reveal_ends_at + 2 * SECONDS)
        error = "TooFewValidators" if len(self.ledger.drawable) < SEATS else None
        if not self.expect(error, self.court.beacon.openRound, self.by):
            return
        committee = [member.id for member in self.court.seats(len(self.round_model))]
        assert set(committee) <= self.ledger.drawable
        self.round_model.append(Seated(committee, chain[-1].timestamp + 2 * SECONDS))
        if does_attest:
            self.court.reach(self.round_model[-1].reveal_ends_at)
            checkpoint = self.court.checkpoint((), count=1, included=1)
            self.court.submit(checkpoint, self.court.bundle(checkpoint, range(SEATS)))
            self.phantoms.append(checkpoint)

    @rule(back=BACK)
    def convict(self, back: int) -> None:
        if not self.phantoms:
            return
        checkpoint = self.phantoms[max(len(self.phantoms) - 1 - back, 0)]
        error = "NoCheckpoint" if checkpoint.round in self.convicted else None
        guilty = self.round_model[checkpoint.round].committee
        dispute = self.court.disputes.disputeUpdates
        if self.prove(error, "updates", guilty, dispute, as_tuple(checkpoint), []):
            self.convicted.add(checkpoint.round)

    @rule(seconds=st.sampled_from([1, UNBONDING // 2, UNBONDING]))
    def wait(self, seconds: int) -> None:
        self.court.reach(chain[-1].timestamp + seconds)


def test_stakes(run_machine):
    phases = dict.fromkeys(PHASES, SECONDS)
    court = set_up_disputes(validators=(), seats=SEATS, unbondingSeconds=UNBONDING, rewardPoolWei=0, **phases)
    seen: Counter[str] = Counter()
    run_machine(lambda: Stakes(court, seen), examples=8, steps=25)
    assert seen["updates"] and seen["equivocation"]
