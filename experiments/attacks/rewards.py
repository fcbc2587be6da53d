"""Attacks on the reward pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from experiments.attacks.commits import VICTIM
from experiments.attacks.strategy import Outsider
from qfl.chain.contracts.records import record
from qfl.chain.contracts.rewards import ShardClaim
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.types import Checkpoint, Reveal, RoundNumber


class RewardTwice(Outsider):
    """Claims every reward again, and has one paid out twice."""

    def after_settlement(self, credited: Sequence[UnsentCall]) -> None:
        """Anyone may bring a claim; what it credits, it credits once."""
        for call in credited:
            self.sender.attempt(call)
        victim = self.testnet.join(VICTIM)
        for _ in range(2):
            self.sender.attempt(self._ledger.staking.pay_rewards(victim))


class RewardForAnother(Outsider):
    """Claims updates' rewards for a client that did not make them, and before the round is final."""

    def after_round(self, number: RoundNumber) -> None:
        """Claim before the round is final, too."""
        self.sender.attempt(self._ledger.rewards.reward([], [number]))

    def after_settlement(self, credited: Sequence[UnsentCall]) -> None:
        """Put another name into every claim, and leave the others out."""
        rewards, victim = self._ledger.rewards, self.testnet.join(VICTIM)
        for call in credited:
            for opened, updates in rewards.arguments_of(call.data)[1]["claims"]:
                checkpoint = record(Checkpoint, opened)
                own = [Reveal(client, 0, root, digest, "") for client, root, digest in updates]
                for forged in ([replace(update, client=victim) for update in own], own[:1]):
                    self.sender.attempt(rewards.reward([ShardClaim(checkpoint, forged)], []))
