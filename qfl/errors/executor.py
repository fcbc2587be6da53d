"""Training in other processes."""

from __future__ import annotations

from qfl.errors.base import QflError


class RayExtraMissing(QflError):
    """The executor `ray` was asked for, and Ray is not installed."""

    exit_code = 2

    def __init__(self, reason: str) -> None:
        super().__init__(f"the executor ray needs the extra ray ({reason}): pip install 'qflchain[ray]'")
        self.reason = reason


class WorkersFailed(QflError):
    """Ray could not be started or reached, or its workers died more often than a task is repeated."""

    exit_code = 7

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"training on Ray failed ({reason}): give its workers more memory, check RAY_ADDRESS, "
            "or train with --executor local; --resume takes the run up where it stopped"
        )
        self.reason = reason
