"""Attacks on the reward pool."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.attacks.commits import OTHER_VICTIM, VICTIM
from experiments.attacks.strategy import Outsider
from qfl.chain.rpc.coding import record
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.types import Checkpoint, RoundNumber, ShardIndex


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
    """Claims each update's reward for a client that did not make it, and seat rewards for seats that did nothing."""

    def after_round(self, number: RoundNumber) -> None:
        """Claim before the round is final, too."""
        self.sender.attempt(self._ledger.rewards.reward_publisher(number, self.participant))

    def after_settlement(self, credited: Sequence[UnsentCall]) -> None:
        """Put another name into every claim."""
        beacon, rewards, shard = self._ledger.beacon, self._ledger.rewards, ShardIndex(0)
        for call in (call for call in credited if call.label == "reward_update"):
            _, said = rewards.arguments_of(call.data)
            other = self.testnet.join(VICTIM if said["clientId"] != self.testnet.join(VICTIM) else OTHER_VICTIM)
            checkpoint = record(Checkpoint, said["checkpoint"])
            root, digest = said["updateRoot"], said["contentDigest"]
            claim = rewards.reward_update(
                checkpoint, other, position=said["position"], update_root=root, content_digest=digest, path=said["path"]
            )
            self.sender.attempt(claim)
            idle = beacon.checkpoint_at(checkpoint.round, shard).attested ^ 0b1111
            if idle:
                self.sender.attempt(
                    rewards.reward_seat(checkpoint.round, shard, seat=idle.bit_length() - 1, validator=other)
                )
