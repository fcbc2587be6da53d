"""A validator's part in the draw: it shows its link in its slot, and draws the seats that are not drawn yet.

Nothing of this is signed, and where its chain stands the contract says: a restored backup shows the right link.
"""

import logging
from collections.abc import Container
from dataclasses import dataclass

from qfl.chain.contracts.beacon import Phase
from qfl.crypto.hash_chain import HashChain, LinkSeed
from qfl.node.context import NodeContext
from qfl.node.relay import send_unless_overtaken
from qfl.protocol.draw import LINKERS
from qfl.protocol.types import ParticipantId, RoundNumber

log = logging.getLogger(__name__)

NO_LINK = "validator %d has no link to show: links.seed is of another chain, or its chain is used up; name a new anchor"


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
        self._participant = participant
        self._chain: HashChain | None = None
        self._looked_at = RoundNumber(0)
        self._slots: list[Slot] = []

    def step(self, phases: Container[Phase]) -> bool:
        """Do what is due in the current round; True when something was sent."""
        if Phase.COMMIT not in phases and Phase.REVEAL not in phases:
            return False
        number = self._ledger.beacon.current_round()
        if number == 0:
            return False
        drew = number != self._looked_at and self._look(number)
        return self._show(number) if Phase.REVEAL in phases and self._slots else drew

    def _look(self, number: RoundNumber) -> bool:
        """Find this validator's slots, and have all seats drawn; True when it drew some."""
        draw, drew = self._ledger.draw, False
        if self._ledger.beacon.context().phase is not Phase.IDLE:
            while not draw.draw_of(number).is_complete:
                call = draw.draw_seats(number)
                drew = send_unless_overtaken(self._sender, call) is not None or drew
        first = draw.seats_of(number)[:LINKERS]
        seats = [seat for seat, validator in enumerate(first) if validator == self._participant]
        self._slots = [Slot(seat, *draw.slot_of(number, seat)) for seat in seats]
        self._looked_at = number
        return drew

    def _show(self, number: RoundNumber) -> bool:
        """Show the link where its slot has begun and none was shown."""
        now = self._ledger.now()
        self._slots = [slot for slot in self._slots if now < slot.ends_at]
        if not self._slots or now < self._slots[0].begins_at:
            return False
        seat = self._slots.pop(0).seat
        if self._ledger.draw.draw_of(number).shown_by:
            self._slots = []
            return False
        link = self._next_link()
        if link is None:
            log.warning(NO_LINK, self._participant)
            return False
        return send_unless_overtaken(self._sender, self._ledger.draw.show_link(number, seat, link)) is not None

    def _next_link(self) -> bytes | None:
        """The link that hashes to the last one shown; None where no chain of this validator's has it."""
        tip, shown = self._ledger.draw.chain_of(self._participant)
        if self._chain is None or shown > self._chain.length or self._chain.tip(shown) != tip:
            self._chain = self._find_chain(tip, shown)
        return None if self._chain is None else self._chain.link(shown)

    def _find_chain(self, tip: bytes, shown: int) -> HashChain | None:
        """The chain of one of its keys: a rotation keeps the chain of the key before it."""
        ledger, seed = self._ledger, LinkSeed.of(self._folder)
        for index in range(ledger.staking.participant(self._participant).key_index, -1, -1):
            identifier = ledger.staking.key_at(self._participant, index).identifier
            chain = seed.chain(ledger.deployment.chain_id, ledger.staking.address, identifier)
            if shown <= chain.length and chain.tip(shown) == tip:
                return chain
        return None
