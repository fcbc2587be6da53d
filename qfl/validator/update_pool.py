"""The updates revealed to a committee, fetched and checked once each, as they come."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from qfl.chain.rounds import ShardRound
from qfl.errors import UpdateRejected, UpdateUnreadable
from qfl.protocol.digests import reveals_hash
from qfl.protocol.types import Reveal, VerifiedUpdate

Read = Callable[[list[Reveal]], tuple[list[VerifiedUpdate], list[UpdateRejected]]]
"""Fetches and checks updates; what passes and what does not, both in reveal order."""


class UpdatePool:
    """What one shard reveals in one round.

    A checkpoint names updates by their numbers, and a reorganisation of the chain may change those, take reveals away
    and put others in their place. So the chain's hash of them is read whenever something may be signed, and they are
    where it is another; what was checked before keeps its result, whatever its number is now.

    Its seat puts a new `part` here before it acts; `reveals` is what the chain showed when it was last asked for all.
    """

    def __init__(self, part: ShardRound, read: Read) -> None:
        self.part, self._read, self.reveals = part, read, list[Reveal]()
        self._following: int | None = None
        self._updates: dict[Reveal, VerifiedUpdate] = {}
        self._unreadable: set[Reveal] = set()
        self._attempts: dict[Reveal, tuple[int, int]] = {}

    @property
    def is_complete(self) -> bool:
        """False while there is content that should be had and is not: others may have it."""
        return not self._unreadable

    def fetch(self, turn: int, included: Collection[int]) -> list[VerifiedUpdate]:
        """The updates that pass every check, in reveal order.

        The store may search for a missing one for seconds, so it is asked again only in another turn, or when another
        seat proposes to include it: `included` are the masks that are proposed.
        """
        if not _are_all(self.reveals, shown := self._shown_hash()):
            self._read_on(shown)
        self._check(turn, included)
        found = [(reveal.index, self._updates.get(_unnumbered(reveal))) for reveal in self.reveals]
        return [replace(update, index=index) for index, update in found if update is not None]

    def is_current(self) -> bool:
        """Whether the chain still shows the reveals that were last fetched, each under its number, and no others."""
        return _are_all(self.reveals, self._shown_hash())

    def _shown_hash(self) -> bytes:
        return self.part.contract.reveals_hash(self.part.round.number)

    def _read_on(self, shown: bytes) -> None:
        """Take in what was revealed since; everything anew where it does not come to what the chain shows."""
        new, following = self.part.reveals_from(self._following)
        reveals = [*self.reveals, *new]
        if not _are_all(reveals, shown):
            reveals, following = self.part.reveals_from(None)
        self.reveals, self._following = reveals, following

    def _check(self, turn: int, included: Collection[int]) -> None:
        named = {_unnumbered(reveal): reveal for reveal in self.reveals}
        attempts = {name: (turn, sum(mask >> r.index & 1 for mask in included)) for name, r in named.items()}
        missing = [name for name in named if name not in self._updates]
        if due := [name for name in missing if self._attempts.get(name) != attempts[name]]:
            verified, rejected = self._read([named[name] for name in due])
            by_index = {named[name].index: name for name in due}
            self._updates.update({by_index[update.index]: update for update in verified})
            unreadable = {one.client for one in rejected if isinstance(one, UpdateUnreadable)}
            self._unreadable -= set(due)
            self._unreadable |= {name for name in due if name.client in unreadable}
        self._attempts = attempts
        self._unreadable &= named.keys()  # a reveal that its chain has forgotten keeps nobody from speaking


def _are_all(reveals: Sequence[Reveal], shown: bytes) -> bool:
    """Whether these come to the hash that the chain shows, which says nothing of numbers: they count up from 0."""
    return all(reveal.index == place for place, reveal in enumerate(reveals)) and reveals_hash(reveals) == shown


def _unnumbered(reveal: Reveal) -> Reveal:
    """A reveal apart from its number, which is nothing that was checked."""
    return replace(reveal, index=0)
