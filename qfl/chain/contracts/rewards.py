"""Typed access to `contracts/Rewards.sol`; what each function does is said in `IRewards.sol`."""

from __future__ import annotations

from collections.abc import Sequence

from qfl.chain.contracts.base import BoundContract, view
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.types import Checkpoint, ParticipantId, RoundNumber, ShardIndex


class Rewards(BoundContract):
    """What final rounds owe, and what of it was credited."""

    abi_name = "Rewards"

    def reward_update(
        self,
        checkpoint: Checkpoint,
        client: ParticipantId,
        *,
        position: int,
        update_root: bytes,
        content_digest: bytes,
        path: Sequence[bytes],
    ) -> UnsentCall:
        """Credit an included update."""
        update = client, update_root, content_digest
        return self._write("rewardUpdate", checkpoint, position, *update, path, round_number=checkpoint.round)

    def reward_seat(
        self, round_number: RoundNumber, shard: ShardIndex, *, seat: int, validator: ParticipantId
    ) -> UnsentCall:
        """Credit an attesting seat."""
        return self._write("rewardSeat", round_number, shard, seat, participant=validator)

    def reward_publisher(self, round_number: RoundNumber, validator: ParticipantId) -> UnsentCall:
        """Credit the publisher."""
        return self._write("rewardPublisher", round_number, participant=validator)

    rewarded_updates = view(int, "rewardedUpdates", RoundNumber, ShardIndex)
    """Bit i is set when the included update at position i was rewarded."""
    rewarded_seats = view(int, "rewardedSeats", RoundNumber, ShardIndex)
    """Bit i is set when seat i was rewarded."""
    is_publisher_rewarded = view(bool, "isPublisherRewarded", RoundNumber)
    """Whether the round's publisher was rewarded."""
