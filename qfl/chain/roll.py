"""Who is bonded, and with which key, at the end of a block: the same for everybody, at any time."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from qfl.chain.contracts.staking import Role, Staking
from qfl.protocol.chunks import client_leaf, merkle_root
from qfl.protocol.types import LmsPublicKey, ParticipantId

KEPT = 8
"""Censuses that are remembered: the next one is counted on from the last."""


@dataclass(frozen=True)
class Census:
    """Everybody who ever bonded with the key of the time, and the active clients, ascending.

    A client that has bonded and not asked to leave is active: no fault proof names clients, so none loses its stake.
    """

    keys: Mapping[ParticipantId, LmsPublicKey]
    clients: tuple[ParticipantId, ...]

    @cached_property
    def leaves(self) -> list[bytes]:
        """The leaves of the tree of active clients."""
        return [client_leaf(client, self.keys[client]) for client in self.clients]

    @cached_property
    def clients_root(self) -> bytes:
        """The root of that tree; zeros where there are no clients."""
        return merkle_root(self.leaves) if self.clients else bytes(32)


class Roll:
    """Counts from the events of the staking contract, never from its state, which nodes do not keep of old blocks."""

    def __init__(self, staking: Staking, from_block: int) -> None:
        self._staking, self._from_block = staking, from_block
        self._kept: dict[int, Census] = {}

    def at(self, block: int) -> Census:
        """The census at the end of `block`. Raises `ChainUnreachable`."""
        if block not in self._kept:
            self._kept[block] = self._count(block)
            while len(self._kept) > KEPT:
                del self._kept[next(iter(self._kept))]
        return self._kept[block]

    def _count(self, block: int) -> Census:
        since = max((kept for kept in self._kept if kept < block), default=None)
        before = Census({}, ()) if since is None else self._kept[since]
        span = (self._from_block if since is None else since + 1, block)
        keys, clients = dict(before.keys), set(before.clients)
        for bonding in self._staking.bondings(*span):
            keys[bonding.id] = bonding.key
            if bonding.role is Role.CLIENT:
                clients.add(bonding.id)
        for participant, key, _ in self._staking.rotations(*span):
            keys[participant] = key
        return Census(keys, tuple(sorted(clients.difference(self._staking.exits(*span)))))
