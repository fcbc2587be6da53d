"""Who takes part in a round, who is late, who stays silent; asked by whoever plays several roles in one process."""

from __future__ import annotations

from typing import Protocol

from qfl.protocol.types import ParticipantId, RoundNumber


class Conditions(Protocol):
    """The world around a round."""

    def begin(self, round_number: RoundNumber) -> None:
        """Before the round opens: participants join and leave, parts of the network fail and come back."""

    def is_present(self, round_number: RoundNumber, client: ParticipantId) -> bool:
        """Whether the client takes part at all."""

    def is_in_time(self, round_number: RoundNumber, client: ParticipantId) -> bool:
        """Whether the client has trained and committed before the commit phase ends."""

    def answers(self, round_number: RoundNumber, validator: ParticipantId) -> bool:
        """Whether the validator does anything in this round."""


class Calm:
    """Everybody is there, in time, and answers."""

    def begin(self, round_number: RoundNumber) -> None:
        """Nothing happens."""

    def is_present(self, round_number: RoundNumber, client: ParticipantId) -> bool:
        """Always."""
        return True

    def is_in_time(self, round_number: RoundNumber, client: ParticipantId) -> bool:
        """Always."""
        return True

    def answers(self, round_number: RoundNumber, validator: ParticipantId) -> bool:
        """Always."""
        return True
