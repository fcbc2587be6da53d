"""Attacks on the mirror of a shard with a chain of its own: validators tell it of rounds that there are not."""

from dataclasses import replace
from typing import Any

from experiments.attacks.keys import TokenThief
from experiments.attacks.seats import Silent
from qfl.errors import ContractReverted
from qfl.protocol.types import MirrorMessage, RoundNumber, ShardIndex
from qfl.validator.mirror_keeper import Keeper

FARTHEST = RoundNumber(2**64 - 1)
"""The last round that a mirror could be told of: after it, it would take no other message."""


class MisleadingKeeper(Keeper):
    """Brings the round to the mirror, then says that the next one, which nobody has opened, is just like it."""

    def step(self) -> bool:
        """As `Keeper.step`; once there is nothing more to do for the open round, the lie."""
        return super().step() or any(self._mislead(shard) for shard in self._ledger.all_shards())

    def _mislead(self, shard: ShardIndex) -> bool:
        return self._keep(shard, self._next())

    def _next(self) -> RoundNumber:
        return RoundNumber(self._ledger.beacon.current_round() + 1)

    def _message(self, shard: ShardIndex, number: RoundNumber, previous: RoundNumber) -> MirrorMessage:
        if number < self._next():
            return super()._message(shard, number, previous)
        message = super()._message(shard, RoundNumber(self._next() - 1), previous)
        return replace(message, round=replace(message.round, round=number))


class RunawayKeeper(MisleadingKeeper):
    """Says that the next round has no shards, and that the mirror shows the last round of all."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._was_refused = False

    def _mislead(self, shard: ShardIndex) -> bool:
        if self._was_refused:
            return False
        sent = False
        for number in (self._next(), FARTHEST):
            try:
                sent |= self._keep(shard, number)
            except ContractReverted:
                self._was_refused = number == FARTHEST
        return sent

    def _message(self, shard: ShardIndex, number: RoundNumber, previous: RoundNumber) -> MirrorMessage:
        message = super()._message(shard, number, previous)
        return replace(message, round=replace(message.round, shards=0)) if number == self._next() else message


def misleading(keeper: type[Keeper]) -> type[Silent]:
    """Who keeps mirrors as this one does, and says nothing else."""

    class Misleading(Silent):
        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **settings)
            self._keeper = keeper(
                self.participant,
                self._ledger,
                sender=self._sender,
                signer=self._signer,
                check_leaf=self._leaves.in_shard,
                pubsub=self._context.pubsub,
            )

    return Misleading


class AheadOfTime(TokenThief):
    """Finds the shard in a round that the beacon has not opened, and commits there in a client's name."""

    def during_commits(self, number: RoundNumber) -> None:
        """With what the client has shown by then: for a round that is not open, nothing."""
        shown = self.heard(self._ledger, number)
        for link in (shown.token, shown.key):
            self.steal(RoundNumber(number + 1), link)

    def during_reveals(self, number: RoundNumber) -> None:
        """There is nothing to open."""
