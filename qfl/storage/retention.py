"""How long content is kept.

| content | let go |
|---|---|
| updates (sealed ones too), aggregates | when their round, and `keep_rounds - 1` later ones, are final |
| models | when no kept round trains on them |
| genesis model, job document, encryption keys | never |

A final round cannot be disputed, and its rewards are proven from the chain's events: nothing of the protocol needs its
content any more. What a failed or voided round held goes with the rounds before it, when a later one is final.
"""

from dataclasses import dataclass
from typing import Protocol

from qfl.errors import InvalidInput
from qfl.storage.store import ContentStore


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
