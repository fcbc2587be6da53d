"""The clients of a run in one process, those still to come included."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from qfl.chain.clock import Clock, DevelopmentClock
from qfl.chain.contracts.staking import Role
from qfl.chain.ledger import Ledger
from qfl.chain.rpc.sender import TransactionSender
from qfl.client.client import Client
from qfl.node.membership import has_left
from qfl.protocol.types import ParticipantId
from qfl.simulation.identities import LocalIdentities

log = logging.getLogger(__name__)


class Clients:
    """Has clients join and leave; `clients` is the network's own list, to which those are added that join."""

    def __init__(
        self,
        identities: LocalIdentities,
        ledger: Ledger,
        *,
        senders: Sequence[TransactionSender],
        clients: list[Client],
        bond: Callable[[int], Client],
    ) -> None:
        """`senders` pay for the clients, by number, newcomers included; `bond` makes one take part."""
        self._identities, self._ledger, self._senders = identities, ledger, senders
        self._clients, self._bond = clients, bond

    def join(self, client: int) -> ParticipantId:
        """Bond a client unless it is, and let it take part."""
        for known in self._clients:
            if known.index == client:
                return known.participant
        joined = self._bond(client)
        self._clients.append(joined)
        return joined.participant

    def leave(self, client: int) -> None:
        """Ask for a client's stake back unless that was done."""
        folder = self._identities.client_folders[client]
        if has_left(self._ledger, folder):
            return
        participant = self.join(client)
        record = self._ledger.staking.participant(participant)
        if record.role is Role.CLIENT and not record.exitable_at:
            signature = self._identities.keys[folder].sign(self._ledger.staking_domain.exit(participant, record.nonce))
            self._senders[client].send(self._ledger.staking.request_exit(participant, signature))

    def withdraw(self, clock: Clock) -> None:
        """Pay out those who have left; nothing more can be credited to them afterwards.

        On a chain whose time cannot be moved, a stake that is still liable is left to `qfl stake withdraw`.
        """
        for client in self._clients:
            record = self._ledger.staking.participant(client.participant)
            if record.role is not Role.CLIENT or not record.exitable_at:
                continue
            if isinstance(clock, DevelopmentClock):
                clock.reach(record.exitable_at)
            if self._ledger.now() >= record.exitable_at:
                self._senders[client.index].send(self._ledger.staking.withdraw(client.participant))
            else:
                log.info("participant %d can withdraw from unix second %d on", client.participant, record.exitable_at)
