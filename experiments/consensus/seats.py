"""Seats whose verification is measured: fetching, checking and aggregating updates."""

from __future__ import annotations

from contextlib import AbstractContextManager

from qfl.errors import UpdateRejected
from qfl.node.meter import Meter
from qfl.protocol.recompute import ShardResult
from qfl.protocol.types import ParticipantId, Reveal, VerifiedUpdate
from qfl.validator.seat import Seat


def verifying(meter: Meter, validator: ParticipantId) -> AbstractContextManager[None]:
    """Charge what happens inside to the validator's verification."""
    return meter.measuring("validator", validator, "verify")


def measured_seat(meter: Meter) -> type[Seat]:
    """The protocol's seat, which tells `meter` what it verifies with."""

    class MeasuredSeat(Seat):
        def _read(self, reveals: list[Reveal]) -> tuple[list[VerifiedUpdate], list[UpdateRejected]]:
            with verifying(meter, self._validator):
                return super()._read(reveals)

        def _result(self, turn: int, updates: list[VerifiedUpdate]) -> ShardResult:
            with verifying(meter, self._validator):
                return super()._result(turn, updates)

    return MeasuredSeat
