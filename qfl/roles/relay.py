"""Sending what others may send too, or what a deadline may overtake: not to be first is no fault."""

from __future__ import annotations

import logging

from qfl.chain.receipts import Receipt
from qfl.chain.sender import Sender, UnsentCall
from qfl.errors import ContractReverted

log = logging.getLogger(__name__)

OVERTAKEN = frozenset(
    {
        "AlreadyCheckpointed",
        "AlreadyCommitted",
        "AlreadyRevealed",
        "NotCurrentRound",
        "RoundInProgress",
        "WrongPhase",
        "WrongState",
    }
)
"""Refusals that mean somebody else was quicker, or the phase is over."""


def send_unless_overtaken(sender: Sender, call: UnsentCall) -> Receipt | None:
    """Send `call`; None when the round has gone on without it.

    Raises:
        ContractReverted: it was refused for another reason. Else as `Sender.send`.
    """
    try:
        return sender.send(call)
    except ContractReverted as refusal:
        if refusal.name not in OVERTAKEN:
            raise
        log.debug("overtaken: %s", refusal)
        return None
