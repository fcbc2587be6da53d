"""A validator's part in the draw: it shows its link in its slot, and draws the seats that are not drawn yet.

No link is signed, and where its chain stands the contract says: a restored backup shows the right link. Before the
chain ends, the anchor of another one is named.
"""

import logging
from collections.abc import Container
from dataclasses import dataclass

from qfl.chain.contracts.beacon import Phase
from qfl.crypto.hash_chain import LENGTH, HashChain
from qfl.errors import ContractReverted
from qfl.node.anchors import counts_from, find_chain, name_anchor
from qfl.node.context import NodeContext
from qfl.node.relay import send_unless_overtaken
from qfl.protocol.draw import LINKERS
from qfl.protocol.types import ParticipantId, RoundNumber

log = logging.getLogger(__name__)

NEEDS_CHANGES = ("TooFewValidators", "TooManyIdle")
"""Refusals to draw seats that changes of stakes heal, where some wait."""
RENEW_BELOW = 64
"""Links left with which it names its next anchor: it shows one a round at most, and the anchor counts after twelve."""
NO_LINK = "validator %d has no link to show: links.seed is of another chain, or its chain is used up"
RENEWED = "validator %d has named the anchor of another chain, which counts from round %s on"


@dataclass(frozen=True)
class Slot:
    """When a validator may show its link in a round, unix seconds, and for which seat."""

    seat: int
    begins_at: int
    ends_at: int


class Linker:
    """One validator's links."""

    def __init__(self, context: NodeContext, participant: ParticipantId) -> None:
        self._ledger, self._sender, self._folder = context.ledger, context.sender, context.folder
        self._key, self._participant = context.key, participant
        self._chain: HashChain | None = None
        self._looked_at: object = None
        self._slots: list[Slot] = []

    def step(self, phases: Container[Phase]) -> bool:
        """Do what is due in the current round; True when something was sent."""
        if Phase.COMMIT not in phases and Phase.REVEAL not in phases:
            return False
        number = self._ledger.beacon.current_round()
        if number == 0:
            return False
        opening = self._ledger.round(number).opening
        drew = (number, opening) != self._looked_at and self._look(number)
        self._looked_at = number, opening
        return self._show(number) if Phase.REVEAL in phases and self._slots else drew

    def let_changes_count(self) -> bool:
        """Let stakes that wait count early, more than a draw does by itself; True when some did."""
        draw = self._ledger.draw
        return draw.queue_length() > 0 and send_unless_overtaken(self._sender, draw.take_changes()) is not None

    def _look(self, number: RoundNumber) -> bool:
        """Find this validator's slots, and have all seats drawn; True when something was sent."""
        draw, drew = self._ledger.draw, False
        if self._ledger.beacon.context().phase is not Phase.IDLE:
            while not draw.draw_of(number).is_complete and self._draw_part(number):
                drew = True
        first = draw.seats_of(number)[:LINKERS]
        seats = [seat for seat, validator in enumerate(first) if validator == self._participant]
        slots = (Slot(seat, *draw.slot_of(number, seat)) for seat in seats)
        self._slots = [slot for slot in slots if slot.ends_at]  # who stands in for another has none
        has_few = bool(self._slots) and LENGTH - draw.chain_of(self._participant)[1] < RENEW_BELOW
        return (has_few and self._renew()) or drew

    def _draw_part(self, number: RoundNumber) -> bool:
        """Draw the next part of the seats, or send what has to come before it; False when the round is over."""
        try:
            return send_unless_overtaken(self._sender, self._ledger.draw.draw_seats(number)) is not None
        except ContractReverted as refusal:
            if refusal.name not in NEEDS_CHANGES or not self.let_changes_count():
                raise
            return True

    def _show(self, number: RoundNumber) -> bool:
        """Show the link where its slot has begun and none was shown, or a reorganization took that back."""
        now = self._ledger.now()
        self._slots = [slot for slot in self._slots if now < slot.ends_at]
        if not self._slots or now < self._slots[0].begins_at:
            return False
        if self._ledger.draw.draw_of(number).shown_by:
            return False
        seat, link = self._slots[0].seat, self._next_link()
        if link is None:
            self._slots = []
            log.warning(NO_LINK, self._participant)
            return self._renew()
        return send_unless_overtaken(self._sender, self._ledger.draw.show_link(number, seat, link)) is not None

    def _next_link(self) -> bytes | None:
        """The link that hashes to the last one shown; None where no chain of this validator's has it."""
        tip, shown = self._ledger.draw.chain_of(self._participant)
        if self._chain is None or shown > self._chain.length or self._chain.tip(shown) != tip:
            self._chain = find_chain(self._ledger, self._participant, self._folder, tip=tip, shown=shown)
        return None if self._chain is None else self._chain.link(shown)

    def _renew(self) -> bool:
        """Name the anchor of another chain; False where the last one that was named does not count yet."""
        if counts_from(self._ledger, self._participant) is not None:
            return False
        name_anchor(self._ledger, self._sender, self._participant, key=self._key, folder=self._folder)
        log.info(RENEWED, self._participant, counts_from(self._ledger, self._participant))
        return True
