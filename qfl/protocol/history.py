"""What clients' earlier updates came to: a function of what the chain says, so the same for every seat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qfl.protocol.types import ParticipantId

HISTORY_PRIOR = 2
"""Inclusions that everybody is taken to begin with: one exclusion by mistake does not lead to the next."""
HISTORY_ROUNDS = 16
"""Rounds back that count: what a client did is forgotten, and reading it takes no longer in a long job."""


@dataclass(frozen=True)
class History:
    """What a client's updates came to in the last rounds: how many it revealed, and how many of those were included."""

    revealed: int = 0
    included: int = 0

    @property
    def left_out(self) -> float:
        """The share left out, in [0, 1)."""
        return (self.revealed - self.included) / (self.revealed + HISTORY_PRIOR)


Histories = Mapping[ParticipantId, History]
Round = Mapping[ParticipantId, bool]
"""By client, for all that revealed an update in a round: whether it was included."""


def count_histories(rounds: Sequence[Round]) -> dict[ParticipantId, History]:
    """The histories that the last of `rounds` (oldest first) leave."""
    histories: dict[ParticipantId, History] = {}
    for included in rounds[-HISTORY_ROUNDS:]:
        for client, was_included in included.items():
            before = histories.get(client, History())
            histories[client] = History(before.revealed + 1, before.included + was_included)
    return histories
