"""Attacks by whoever publishes: a false model, and one that nobody else has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from experiments.attacks.updates import Withholding
from qfl.chain.contracts.beacon import Duty
from qfl.protocol.content import Content
from qfl.protocol.types import RoundNumber
from qfl.validator.validator import Validator


class LyingPublisher(Validator):
    """Publishes a model that is wrong in one coordinate; it signs nothing else."""

    falsehood = 1
    """What it adds there."""

    def verify(self, duty: Duty) -> bool:
        """Nothing."""
        return False

    def _next_model(self, round_number: RoundNumber) -> Content:
        model = super()._next_model(round_number)
        lanes = model.lanes.copy()
        lanes[0] += self.falsehood
        return replace(model, lanes=lanes)


class WithholdingPublisher(LyingPublisher):
    """Publishes a false model and keeps it to itself, so that nobody can open the coordinate that is wrong."""

    falsehood = 2  # no other attack has stored this model

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._store = Withholding(self._store)
