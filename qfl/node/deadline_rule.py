"""The next round's deadlines from what the last one took: a rule with bounds, and nothing of a chain.

The next deadline is `margin` times the `quantile` of the completion times seen, so it settles a little beyond what
most need, and those far slower no longer hold everybody up. Who comes too late is never seen; but a deadline too
short crowds those seen against it, the margin reaches past them, and it grows until the margin finds nobody new. The
chain cannot tell who is slow from who is not there, so absence counts for nothing, unless everybody is absent.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from qfl.bounds import check_number, check_whole
from qfl.errors import InvalidInput

MOST_FACTOR = 1e3
LONGEST_SECONDS = 2**32 - 1  # what the contracts keep of a deadline


@dataclass(frozen=True)
class DeadlineRule:
    """How deadlines follow completion times.

    Attributes:
        quantile: share of those seen that shall be done with the margin to spare, in (0, 1].
        margin: factor beyond it, above 1: with less the deadline could never find out that it is too short.
        growth: most that a deadline changes by from one round to the next, either way, a factor above 1.
        floor, ceiling: seconds that it never leaves. The floor is for what no round has shown yet: a client that has to
            be started again, a chain that is busy with something else for some blocks.

    Raises InvalidInput: a value outside its range.
    """

    quantile: float = 0.9
    margin: float = 1.5
    growth: float = 2.0
    floor: int = 60
    ceiling: int = 3_600

    def __post_init__(self) -> None:
        for name, value in (("margin", self.margin), ("growth", self.growth)):
            check_number(f"deadlines.{name}", value, 1, MOST_FACTOR, above=True)
        check_number("deadlines.quantile", self.quantile, 0, 1, above=True)
        for name, value in (("floor", self.floor), ("ceiling", self.ceiling)):
            check_whole(f"deadlines.{name}", value, 1, LONGEST_SECONDS)
        if self.floor > self.ceiling:
            raise InvalidInput("deadlines.floor", self.floor, f"must not be above the ceiling, {self.ceiling}")

    def next_seconds(self, current: int, seen: Sequence[float]) -> int:
        """The deadline after one of `current` seconds in which these completion times (seconds) were seen."""
        wanted = self.margin * _quantile(seen, self.quantile) if seen else math.inf
        bounded = min(max(wanted, current / self.growth), current * self.growth)
        return min(max(math.ceil(bounded), self.floor), self.ceiling)


def _quantile(values: Sequence[float], share: float) -> float:
    """The least value that at least `share` of them do not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]
