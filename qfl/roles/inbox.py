"""The updates revealed to a committee, fetched and checked once each, as they come."""

from __future__ import annotations

from collections.abc import Callable, Collection

from qfl.chain.contracts.shard import Shard
from qfl.committee.updates import VerifiedUpdate
from qfl.errors import UpdateRejected, UpdateUnreadable
from qfl.types import Revealed, RoundNumber

Read = Callable[[list[Revealed]], tuple[list[VerifiedUpdate], list[UpdateRejected]]]
"""Fetches and checks updates; what passes and what does not, both in reveal order."""


class Inbox:
    """What one shard reveals in one round. The chain is asked for what is new only."""

    def __init__(self, shard: Shard, round_number: RoundNumber, first_block: int, read: Read) -> None:
        """`first_block` is the one on the shard's chain that nothing was revealed before."""
        self._shard, self._round, self._read = shard, round_number, read
        self._unread = first_block
        self._reveals: list[Revealed] = []
        self._updates: dict[Revealed, VerifiedUpdate] = {}
        self._unreadable: set[Revealed] = set()
        self._attempts: dict[Revealed, tuple[int, int]] = {}

    @property
    def is_complete(self) -> bool:
        """False while there is content that should be had and is not: others may have it."""
        return not self._unreadable

    def read_again_from(self, first_block: int) -> None:
        """Ask the chain for all reveals again: it may have mined them in another order."""
        self._unread, self._reveals = first_block, []

    def fetch(self, turn: int, included: Collection[int]) -> list[VerifiedUpdate]:
        """The updates that pass every check, in reveal order.

        The store may search for a missing one for seconds, so it is asked again only in another turn, or when another
        seat proposes to include it: `included` are the masks that are proposed.
        """
        reveals = self._read_reveals()
        attempts = {reveal: (turn, sum(mask >> reveal.index & 1 for mask in included)) for reveal in reveals}
        missing = [reveal for reveal in reveals if reveal not in self._updates]
        if due := [reveal for reveal in missing if self._attempts.get(reveal) != attempts[reveal]]:
            verified, rejected = self._read(due)
            by_index = {reveal.index: reveal for reveal in due}
            self._updates.update({by_index[update.index]: update for update in verified})
            unreadable = {one.client for one in rejected if isinstance(one, UpdateUnreadable)}
            self._unreadable -= set(due)
            self._unreadable |= {reveal for reveal in due if reveal.client in unreadable}
        self._attempts = attempts
        self._unreadable &= set(reveals)  # a reveal that its chain has forgotten keeps nobody from speaking
        return [self._updates[reveal] for reveal in reveals if reveal in self._updates]

    def _read_reveals(self) -> list[Revealed]:
        """The round's reveals; asked for only where there are more: a shard's chain may be behind the beacon's."""
        if len(self._reveals) != self._shard.reveals_in(self._round):
            more, self._unread = self._shard.reveals_until_now(self._round, self._unread)
            self._reveals += more
        return self._reveals
