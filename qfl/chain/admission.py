"""Proving to a mirror that clients are active: once for each client, until its key changes or it leaves."""

from __future__ import annotations

from collections.abc import Iterable

from qfl.chain.ledger import Ledger
from qfl.chain.mirror_message import shard_in
from qfl.chain.rpc.sender import UnsentCall
from qfl.protocol.chunks import merkle_path
from qfl.protocol.types import ParticipantId, ShardIndex


def admissions(ledger: Ledger, shard: ShardIndex, clients: Iterable[ParticipantId]) -> list[UnsentCall]:
    """The calls that admit those of the clients that the shard has in the mirrored round and does not know yet.

    Raises:
        ChainUnreachable: the beacon's chain or the shard's.
    """
    mirror = ledger.mirrors[shard]
    if (mirrored := mirror.mirrored()) is None:
        return []
    census = ledger.roll.at(ledger.round(mirrored.round).opened_in)
    positions = {client: position for position, client in enumerate(census.clients)}
    members = [client for client in clients if client in positions and shard_in(mirrored, client) == shard]
    missing = [client for client in members if client not in mirror.admitted(members)] if members else []
    return [
        mirror.admit(client, census.keys[client], position=position, path=merkle_path(census.leaves, position))
        for client, position in ((client, positions[client]) for client in missing)
    ]
