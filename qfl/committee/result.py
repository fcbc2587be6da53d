"""The result of a shard: a deterministic function of the included updates, the same for every honest seat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qfl.aggregate.rule import aggregate_shard
from qfl.codec.chunks import merkle_root, update_leaf
from qfl.codec.content import Content, ContentKind, content_digest, encode, lanes_root
from qfl.committee.updates import Terms, VerifiedUpdate
from qfl.types import CheckpointData, Revealed


@dataclass(frozen=True)
class ShardResult:
    """What a seat proposes or expects: the checkpoint and the aggregate's content object."""

    checkpoint: CheckpointData
    content: bytes


def compute_result(terms: Terms, turn: int, included: Iterable[VerifiedUpdate]) -> ShardResult:
    """Aggregate the `included` updates (at least one, in any order) into the checkpoint of proposer `turn`."""
    updates = sorted(included, key=lambda update: update.index)
    mean = aggregate_shard([update.lanes for update in updates], terms.trim_bps)
    content = Content(
        kind=ContentKind.AGGREGATE,
        lane_bits=32,
        round=terms.round,
        shard=terms.shard,
        count=len(updates),
        author=0,
        shape=terms.shape,
        base_root=terms.base_root,
        lanes=mean,
    )
    data = encode(content)
    checkpoint = CheckpointData(
        terms.round,
        terms.shard,
        turn,
        len(updates),
        terms.base_root,
        sum(1 << update.index for update in updates),
        merkle_root(update_leaves(updates)),
        lanes_root(content),
        content_digest(data),
    )
    return ShardResult(checkpoint, data)


def update_leaves(updates: Iterable[VerifiedUpdate | Revealed]) -> list[bytes]:
    """The leaves of `Checkpoint.updatesRoot`; a reward claim takes its `merkle_path` from them."""
    return [update_leaf(u.client, u.update_root, u.content_digest) for u in updates]
