"""A round's terms and updates as honest clients make them, for the tests of what validators do with them."""

import numpy as np

from qfl.protocol.content import Content, ContentKind, content_digest, encode, lanes_root
from qfl.protocol.types import LaneFormat, ModelShape, ParticipantId, Reveal, RoundNumber, RoundSpec, ShardIndex

TERMS = RoundSpec(
    round=RoundNumber(7),
    shard=ShardIndex(2),
    base_root=b"b" * 32,
    shape=ModelShape(quantum=20, classical=21),
    format=LaneFormat(lane_bits=16, quantum_exponent=13, classical_exponent=9),
    trim_bps=0,
    norm_bound=2**31,
)


def make_update(client: int, **changes: object) -> Content:
    """The update of `client` under `TERMS`, its lanes drawn from the client's number, with `changes`."""
    lanes = np.random.default_rng(client).integers(-500, 500, TERMS.shape.total).astype(np.int16)
    fields = {
        "kind": ContentKind.UPDATE,
        "lane_bits": 16,
        "round": TERMS.round,
        "shard": TERMS.shard,
        "count": 0,
        "author": client,
        "shape": TERMS.shape,
        "base_root": TERMS.base_root,
        "lanes": lanes,
    }
    return Content(**{**fields, **changes})


def make_reveal(client: int, index: int, content: Content) -> Reveal:
    """What `client` says on chain of `content`."""
    digest = content_digest(encode(content))
    return Reveal(ParticipantId(client), index, lanes_root(content), digest, "0x" + "00" * 32)
