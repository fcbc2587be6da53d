"""What one step of a role came to: for who lets it act again, or wait."""

from __future__ import annotations

from dataclasses import dataclass

from qfl.errors import ContractReverted
from qfl.protocol.types import TrainingTask


@dataclass(frozen=True)
class Step:
    """True when something was done, so that there may be more to do at once.

    Attributes:
        note: what happened, or what is waited for; for the log of a process with this role alone.
        task: what a client asks to be trained, alone or with others; `Client.prepare` takes what comes of it.
        refusal: why a validator may not open a round yet; time may heal it.
    """

    has_acted: bool = False
    note: str = ""
    task: TrainingTask | None = None
    refusal: ContractReverted | None = None

    def __bool__(self) -> bool:
        return self.has_acted


QUIET = Step()
"""Nothing was to be done."""
