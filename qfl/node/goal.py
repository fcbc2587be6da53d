"""How long `--rounds` lets a role run: until so many models were published in its own time."""

from __future__ import annotations

from qfl.chain.contracts.beacon import Phase
from qfl.chain.ledger import Ledger
from qfl.errors import RoundNotCompleted
from qfl.node.standing import published_rounds
from qfl.protocol.types import RoundNumber

ROUNDS_FOR_A_MODEL = 10
"""Rounds that a role waits for each of its models: with too few others, a round ends without one."""


class Goal:
    """`models` published from now on, that of a round under way included; None for a role that just runs on."""

    def __init__(self, ledger: Ledger, models: int | None) -> None:
        self._ledger, self._models, self._before = ledger, models, RoundNumber(0)
        if models is not None:
            context = ledger.beacon.context()
            self._before = RoundNumber(context.round - (context.phase is not Phase.IDLE))

    def is_reached(self) -> bool:
        """Whether the role may end.

        Raises:
            RoundNotCompleted: it had many more rounds than it needs; the others may have ended.
        """
        if self._models is None:
            return False
        published = len(published_rounds(self._ledger, self._before))
        if published >= self._models:
            return True
        context = self._ledger.beacon.context()
        passed = context.round - self._before
        if context.phase is Phase.IDLE and passed >= ROUNDS_FOR_A_MODEL * self._models:
            reason = f"{published} of {self._models} came of the last {passed} rounds; the others may have ended"
            raise RoundNotCompleted(context.round, reason)
        return False
