"""The owner's helper: after each round's reveals, sets the deadlines of the rounds to come by what this one took."""

from __future__ import annotations

from qfl.chain.contracts.beacon import Phase
from qfl.chain.ledger import Ledger
from qfl.node.deadline_controller import DeadlineController, measured_times
from qfl.node.step import QUIET, Step
from qfl.protocol.types import RoundNumber


class DeadlineKeeper:
    """Looks at each round once, when nobody can commit or reveal in it any more. It keeps no state on disk."""

    def __init__(self, ledger: Ledger, controller: DeadlineController) -> None:
        self._ledger, self._controller = ledger, controller
        self._seen = RoundNumber(0)

    def step(self) -> Step:
        """Set deadlines by the latest round, unless it has been looked at, or clients still act in it.

        Raises:
            ContractReverted, ChainUnreachable.
        """
        context = self._ledger.beacon.context()
        latest = self._ledger.beacon.current_round()
        if latest == self._seen or context.phase in (Phase.COMMIT, Phase.REVEAL):
            return QUIET
        deadlines = self._controller.adapt(latest, measured_times(self._ledger, latest))
        self._seen = latest
        note = f"after round {latest}: {deadlines.commit} s to commit, {deadlines.reveal} s to reveal"
        return Step(True, note)
