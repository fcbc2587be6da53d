"""Sending what others may send too, or what a deadline may overtake: not to be first is no fault."""

import logging
from collections.abc import Sequence

from qfl.chain.rpc.calls import Receipt
from qfl.chain.rpc.sender import TransactionSender, UnsentCall
from qfl.errors import ChainError, ContractReverted

log = logging.getLogger(__name__)

OVERTAKEN = frozenset(
    {
        "AlreadyAdmitted",
        "AlreadyAttested",
        "AlreadyBegun",
        "AlreadyCheckpointed",
        "AlreadyCommitted",
        "AlreadyPosted",
        "AlreadyRevealed",
        "AlreadyShown",
        "AllDrawn",
        "AnswerLate",
        "EnoughValidators",
        "NoOpenDemand",
        "NotCurrentRound",
        "NothingDue",
        "NotInSlot",
        "NotYourSlot",
        "RoundInProgress",
        "RoundNotLater",
        "StillChallengeable",
        "WrongPhase",
        "WrongPrevious",
        "WrongState",
    }
)
"""Refusals that mean somebody else was quicker, or the phase is over."""


def send_unless_overtaken(sender: TransactionSender, call: UnsentCall) -> Receipt | None:
    """Send `call`; None when the round has gone on without it.

    Raises ContractReverted: it was refused for another reason; else as `Sender.send`.
    """
    try:
        return sender.send(call)
    except ContractReverted as refusal:
        if refusal.name not in OVERTAKEN:
            raise
        log.debug("overtaken: %s", refusal)
        return None


def send_every(sender: TransactionSender, calls: Sequence[UnsentCall]) -> None:
    """Send calls that do not wait for each other, in batches; each is tried, whatever becomes of the others.

    Raises ChainError: of the first that failed, when all have been tried.
    """
    for outcome in sender.send_many(calls):
        if isinstance(outcome, ChainError):
            raise outcome
