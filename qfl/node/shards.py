"""The shards of a deployment, some of which may be on chains that are away."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from qfl.chain.ledger import Ledger
from qfl.errors import ChainUnreachable
from qfl.protocol.types import ShardIndex

log = logging.getLogger(__name__)


def shards_of(ledger: Ledger) -> list[ShardIndex]:
    """Every shard of the deployment."""
    return [ShardIndex(shard) for shard in range(len(ledger.shards))]


@contextmanager
def tolerating_shard(ledger: Ledger, shard: ShardIndex) -> Iterator[None]:
    """Go on where a shard's own chain does not answer; where the beacon's does not, that is raised."""
    try:
        yield
    except ChainUnreachable as fault:
        if not ledger.is_of_a_shard(fault):
            raise
        log.warning("shard %d is left out: %s", shard, fault)
