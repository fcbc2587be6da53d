"""Who is bonded, and with which key, at the end of a block: the same for everybody, at any time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from qfl.chain.contracts.staking import Role, Staking
from qfl.crypto.hash_chain import LINK_BYTES
from qfl.protocol.chunks import client_leaf, merkle_root
from qfl.protocol.types import LmsPublicKey, ParticipantId

NO_ANCHOR = bytes(LINK_BYTES), 0
KEPT = 8
"""Censuses that are remembered: the next one is counted on from the last."""


@dataclass(frozen=True)
class Census:
    """Everybody who ever bonded with the key of the time, the active clients, ascending, and their hash chains: the end
    and first round of each.

    A client that has bonded and not asked to leave is active: no fault proof names clients, so none loses its stake.
    """

    keys: Mapping[ParticipantId, LmsPublicKey]
    clients: tuple[ParticipantId, ...]
    anchors: Mapping[ParticipantId, tuple[bytes, int]]

    def told_of(self, client: ParticipantId) -> tuple[LmsPublicKey, bytes, int]:
        """What a mirror is told of a client: its key, and the end and first round of its hash chain, zeros for none."""
        return self.keys[client], *self.anchors.get(client, NO_ANCHOR)

    @cached_property
    def leaves(self) -> list[bytes]:
        """The leaves of the tree of active clients."""
        return [client_leaf(client, *self.told_of(client)) for client in self.clients]

    @cached_property
    def clients_root(self) -> bytes:
        """The root of that tree; zeros where there are no clients."""
        return merkle_root(self.leaves) if self.clients else bytes(32)


class Roll:
    """Counts from the events of the staking contract, never from its state, which nodes do not keep of old blocks."""

    def __init__(self, staking: Staking, from_block: int, hash_of: Callable[[int], bytes]) -> None:
        """`hash_of` gives a block's hash: what was counted on another branch of the chain is forgotten."""
        self._staking, self._from_block, self._hash_of = staking, from_block, hash_of
        self._kept: dict[int, tuple[bytes, Census]] = {}

    def at(self, block: int) -> Census:
        """The census at the end of `block`. Raises `ChainUnreachable`."""
        if (kept := self._known(block)) is not None:
            return kept
        hashed = self._hash_of(block)
        census = self._count(block)
        self._kept[block] = hashed, census
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        return census

    def _known(self, block: int) -> Census | None:
        """What was counted, if the block is still the same."""
        if block in self._kept and self._kept[block][0] != self._hash_of(block):
            del self._kept[block]
        return self._kept[block][1] if block in self._kept else None

    def _count(self, block: int) -> Census:
        earlier = sorted((kept for kept in self._kept if kept < block), reverse=True)
        known = ((kept, census) for kept in earlier if (census := self._known(kept)) is not None)
        since, before = next(known, (None, Census({}, (), {})))
        span = (self._from_block if since is None else since + 1, block)
        keys, clients, anchors = dict(before.keys), set(before.clients), dict(before.anchors)
        for bonding in self._staking.bondings(*span):
            keys[bonding.id] = bonding.key
            if bonding.role is Role.CLIENT:
                clients.add(bonding.id)
        for participant, key, _ in self._staking.rotations(*span):
            keys[participant] = key
        anchors |= {named.id: (named.anchor, named.first_round) for named in self._staking.anchors(*span)}
        return Census(keys, tuple(sorted(clients.difference(self._staking.exits(*span)))), anchors)
