"""The result of a shard: a deterministic function of the included updates, the same for every honest seat."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qfl.protocol.chunks import merkle_root, update_leaf
from qfl.protocol.content import Content, ContentKind, content_digest, encode, lanes_root
from qfl.protocol.rule import aggregate_shard
from qfl.protocol.types import CheckpointData, Revealed, RoundSpec, VerifiedUpdate


@dataclass(frozen=True)
class ShardResult:
    """What a seat proposes or expects: the checkpoint and the aggregate's content object."""

    checkpoint: CheckpointData
    content: bytes


def compute_result(spec: RoundSpec, turn: int, included: Iterable[VerifiedUpdate]) -> ShardResult:
    """Aggregate the `included` updates (at least one, in any order) into the checkpoint of proposer `turn`."""
    updates = sorted(included, key=lambda update: update.index)
    mean = aggregate_shard([update.lanes for update in updates], spec.trim_bps)
    content = Content(
        kind=ContentKind.AGGREGATE,
        lane_bits=32,
        round=spec.round,
        shard=spec.shard,
        count=len(updates),
        author=0,
        shape=spec.shape,
        base_root=spec.base_root,
        lanes=mean,
    )
    data = encode(content)
    checkpoint = CheckpointData(
        spec.round,
        spec.shard,
        turn,
        len(updates),
        spec.base_root,
        sum(1 << update.index for update in updates),
        merkle_root(update_leaves(updates)),
        lanes_root(content),
        content_digest(data),
    )
    return ShardResult(checkpoint, data)


def update_leaves(updates: Iterable[VerifiedUpdate | Revealed]) -> list[bytes]:
    """The leaves of `Checkpoint.updatesRoot`; a reward claim takes its `merkle_path` from them."""
    return [update_leaf(u.client, u.update_root, u.content_digest) for u in updates]


def included_in(checkpoint: CheckpointData, reveals: Sequence[Revealed]) -> list[Revealed]:
    """The reveals that a checkpoint includes; `reveals` are all of the shard's, by number."""
    return [reveal for reveal in reveals if checkpoint.included >> reveal.index & 1]


def has_revealed_list(checkpoint: CheckpointData, reveals: Sequence[Revealed]) -> bool:
    """Whether the checkpoint's list of updates is the revealed one; `reveals` are all of the shard's, by number."""
    if checkpoint.included.bit_length() > len(reveals):
        return False
    return merkle_root(update_leaves(included_in(checkpoint, reveals))) == checkpoint.updates_root
