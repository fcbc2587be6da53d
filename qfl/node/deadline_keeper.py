"""The owner's helper: after each round's reveals, sets the deadlines of the rounds to come by what this one took."""

from __future__ import annotations

from qfl.chain.contracts.beacon import Phase
from qfl.chain.ledger import Ledger
from qfl.node.deadline_controller import DeadlineController, Deadlines, measured_times
from qfl.protocol.types import RoundNumber


class DeadlineKeeper:
    """Looks at each round once, when nobody can commit or reveal in it any more. It keeps no state on disk."""

    def __init__(self, ledger: Ledger, controller: DeadlineController) -> None:
        self._ledger, self._controller = ledger, controller
        self._seen = RoundNumber(0)

    def step(self) -> tuple[RoundNumber, Deadlines] | None:
        """Set deadlines by the latest round; None while it has been looked at, or clients still act in it.

        Raises:
            ContractReverted, ChainUnreachable.
        """
        context = self._ledger.beacon.context()
        latest = self._ledger.beacon.current_round()
        if latest == self._seen or context.phase in (Phase.COMMIT, Phase.REVEAL):
            return None
        deadlines = self._controller.adapt(latest, measured_times(self._ledger, latest))
        self._seen = latest
        return latest, deadlines
