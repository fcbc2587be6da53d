"""Differential privacy."""

from __future__ import annotations

from qfl.errors.base import QflError


class PrivacyExtraMissing(QflError):
    """Updates are to be differentially private, and nothing here can tell how private they are."""

    exit_code = 2

    def __init__(self, reason: str) -> None:
        super().__init__(f"differential privacy needs the extra dp ({reason}): pip install 'qflchain[dp]'")
        self.reason = reason
