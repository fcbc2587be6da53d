"""Letting go, round by round, of what a role has put into its store.

| content | let go |
|---|---|
| updates (sealed ones too), aggregates | when their round, and `keep_rounds - 1` later ones, are final |
| models | when no kept round trains on them |
| genesis model, job document, encryption keys | never |

A final round cannot be disputed, and its rewards are proven from the chain's events: nothing of the protocol needs its
content any more. What a failed or voided round held goes with the rounds before it, when a later one is final.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from qfl.chain.ledger import Ledger
from qfl.chain.rpc.connection import block_number
from qfl.errors import InvalidInput, StateCorrupt
from qfl.files import read_json, write_atomically
from qfl.protocol.types import RoundNumber
from qfl.storage.store import ContentStore

NAME = "retention.json"
NO_MODEL = bytes(32)
"""What a checkpoint says of the next model where it does not carry it."""


class CollectingStore(ContentStore, Protocol):
    """A store that deletes what is not pinned when it is told to."""

    def collect_garbage(self) -> None:
        """Delete what is not pinned. Raises StoreUnreachable."""


@dataclass(frozen=True)
class Retention:
    """Keeps the content of the last `keep_rounds` (at least 1) final rounds, and of every later one, in `store`."""

    keep_rounds: int
    store: CollectingStore

    def __post_init__(self) -> None:
        if self.keep_rounds < 1:
            raise InvalidInput("keep_rounds", self.keep_rounds, "must be 1 or more; 0 keeps everything")

    def last_released(self, final_round: int) -> int:
        """The last round whose updates and aggregates are let go; 0 for none."""
        return max(0, final_round - self.keep_rounds)


def retention_of(keep_rounds: int, store: CollectingStore) -> Retention | None:
    """The retention that an option asks for: 0 keeps everything."""
    return Retention(keep_rounds, store) if keep_rounds else None


class Pruner:
    """Remembers in a file how far a role has let go."""

    def __init__(self, ledger: Ledger, store: ContentStore, folder: Path) -> None:
        """`folder` is the role's. Raises StateCorrupt."""
        self._ledger, self._store, self._path = ledger, store, folder / NAME
        self._released = read_released(folder)

    @property
    def released(self) -> RoundNumber:
        """The last round that was let go; 0 for none."""
        return RoundNumber(self._released)

    def step(self, retention: Retention, contents_of: Callable[[RoundNumber], Iterable[bytes]]) -> bool:
        """Let go of the rounds that are due; True when there were any.

        Args:
            contents_of: Digests of what a round can have put into the store. Letting go twice does no harm.
        """
        begun, until = self._released, retention.last_released(self._ledger.beacon.final_round())
        kept = _kept_after(self._ledger, RoundNumber(until)) if until > begun else set()
        for value in range(self._released + 1, until + 1):
            for digest in set(contents_of(RoundNumber(value))) - kept:
                self._store.unpin(digest)
            write_atomically(self._path, json.dumps({"released": value}).encode())
            self._released = value
        return self._released > begun


def _kept_after(ledger: Ledger, last: RoundNumber) -> set[bytes]:
    """What is not let go with the rounds up to `last`: in a proposal anybody can name any digest."""
    beacon, staking = ledger.beacon, ledger.staking
    named = staking.encryption_keys(ledger.from_block, block_number(ledger.web3)).values()
    later = range(last + 1, beacon.current_round() + 1)
    first = min((ledger.round(RoundNumber(value)).plan.base_round for value in later), default=last)
    models = (beacon.round_at(RoundNumber(value)).content_digest for value in (0, *range(first, later.stop)))
    return {beacon.architecture_digest(), *named, *models}


def committee_contents(ledger: Ledger, number: RoundNumber) -> Iterator[bytes]:
    """What validators put into their stores in a round: aggregates that were proposed or accepted, the updates that
    they include unless they are sealed, models that were proposed in vain, models of the past.

    A model goes with the first round that is let go after the last one that trains on it.
    """
    round_ = ledger.round(number)
    published = round_.record().content_digest
    for part in round_.shards():
        for proposed in part.proposals():
            yield proposed.checkpoint.content_digest
            if proposed.checkpoint.model_digest not in (NO_MODEL, published):
                yield proposed.checkpoint.model_digest
        if ledger.norm_verifier(part.index) is None:
            yield from (reveal.content_digest for reveal in part.reveals())
    # A committee may agree without its proposer.
    yield from (entry.checkpoint.content_digest for entry in round_.accepted())
    later = range(number + 1, ledger.beacon.current_round() + 1)
    needed = min((ledger.round(RoundNumber(value)).plan.base_round for value in later), default=number)
    for value in range(round_.plan.base_round, needed):
        if value and any(digest := ledger.beacon.round_at(RoundNumber(value)).content_digest):
            yield digest


def read_released(folder: Path) -> int:
    """The last round that the role of a folder has let go; 0 for none. Raises StateCorrupt."""
    path = folder / NAME
    if not path.exists():
        return 0
    try:
        return int(read_json(path)["released"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise StateCorrupt(path, str(error)) from error
