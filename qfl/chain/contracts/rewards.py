"""Typed access to `contracts/Rewards.sol`; what each function does is said in `IRewards.sol`."""

from collections.abc import Sequence
from dataclasses import dataclass

from qfl.chain.contracts.base import BoundContract, view
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.types import Checkpoint, ParticipantId, Reveal, RoundNumber, ShardIndex


@dataclass(frozen=True)
class ShardClaim:
    """`ShardClaim` of IRewards.sol: an accepted checkpoint, and all updates that it includes, in its order."""

    checkpoint: Checkpoint
    updates: Sequence[Reveal]


class Rewards(BoundContract):
    """What final rounds owe and what was credited of it, and what clients owe for what they did not reveal."""

    abi_name = "Rewards"

    def reward(self, claims: Sequence[ShardClaim], published: Sequence[RoundNumber]) -> UnsentCall:
        """Credit what shards and publishers of final rounds earned."""
        return self._write("reward", claims, published)

    def charge_unrevealed(
        self, round_number: RoundNumber, shard: ShardIndex, clients: Sequence[ParticipantId]
    ) -> UnsentCall:
        """Take their part of the stake from clients that committed and did not reveal."""
        return self._write("chargeUnrevealed", round_number, shard, clients)

    is_shard_rewarded = view(bool, "isShardRewarded", RoundNumber, ShardIndex)
    """Whether a shard's updates and seats were rewarded."""
    is_publisher_rewarded = view(bool, "isPublisherRewarded", RoundNumber)
    """Whether the round's publisher was rewarded."""
    is_charged = view(bool, "isCharged", RoundNumber, ParticipantId)
    """Whether a client was charged for what it did not reveal in the round."""
