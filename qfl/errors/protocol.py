"""What another participant, or the chain of models, holds against the protocol."""

from __future__ import annotations

from qfl.errors.base import QflError


class ProtocolError(QflError):
    """What another participant, or the chain of models, holds against the protocol."""

    exit_code = 6
    names_hashes = True


class RoundNotCompleted(ProtocolError):
    """A round ended without a model."""

    def __init__(self, round_number: int, reason: str) -> None:
        super().__init__(f"round {round_number} ended without a model: {reason}")
        self.round, self.reason = round_number, reason


class ModelRejected(ProtocolError):
    """A model's content does not match what the beacon says of it."""

    def __init__(self, round_number: int, reason: str) -> None:
        super().__init__(f"the model of round {round_number} is not what was published: {reason}")
        self.round, self.reason = round_number, reason


class UpdateRejected(ProtocolError):
    """An update fails an objective check; it is not included."""

    def __init__(self, client: int, reason: str) -> None:
        super().__init__(f"the update of client {client} is not included: {reason}")
        self.client, self.reason = client, reason


class UpdateUnreadable(UpdateRejected):
    """The own store does not give an update's content; another one may have it."""


class UpdateMissing(UpdateUnreadable):
    """An update's content cannot be fetched."""


class SealBroken(ProtocolError):
    """A sealed object cannot be opened, or not by everybody it is sealed to."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the sealed object does not open: {reason}")
        self.reason = reason


class TooFewRecipients(ProtocolError):
    """Too few of a committee's seats have an encryption key for a quorum to read an update."""

    def __init__(self, round_number: int, found: int, needed: int) -> None:
        super().__init__(
            f"in round {round_number} {found} seats have an encryption key that can be fetched, {needed} are needed: "
            "validators set theirs when they join, and serve it on IPFS"
        )
        self.round, self.found, self.needed = round_number, found, needed


class VerificationFailed(ProtocolError):
    """`qfl verify` found a round that does not stand."""

    def __init__(self, rounds: list[int]) -> None:
        super().__init__(f"verification failed in round {', '.join(map(str, rounds))}")
        self.rounds = rounds


class VerificationIncomplete(ProtocolError):
    """`qfl verify` found nothing wrong, but could not recompute rounds whose content was let go."""

    exit_code = 8

    def __init__(self, rounds: list[int]) -> None:
        super().__init__(
            f"nothing is wrong, but the content of round {', '.join(map(str, rounds))} is no longer stored, so not all "
            "of it was recomputed: --accept-released takes that for success"
        )
        self.rounds = rounds


class AttackSucceeded(ProtocolError):
    """An attack managed what the protocol says it cannot."""

    def __init__(self, complaints: list[str]) -> None:
        super().__init__(f"not everything was stopped as it should be: {'; '.join(complaints)}")
        self.complaints = complaints
