"""Vectors of lanes as disputes take them: chunks of 32 bytes, and openings of single ones."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qfl.chain.contracts.disputes import NO_SALT, Opening
from qfl.errors import InvalidInput, MalformedContent, UpdateRejected
from qfl.protocol.chunks import CHUNK_BYTES, leaf_salt, merkle_path, merkle_root, salted, split_leaves
from qfl.protocol.compact import expand
from qfl.protocol.content import HEADER_BYTES
from qfl.protocol.lanes import pack_lanes, packed_bytes, unpack_lanes
from qfl.protocol.types import Reveal, RoundSpec, VerifiedUpdate

MODEL_LANE_BITS = 32
"""Width of the lanes of models and aggregates."""


def open_lanes(reveal: Reveal, content: bytes, seed: bytes, spec: RoundSpec) -> VerifiedUpdate:
    """An update by its lanes alone: the header, and the norm, are not what the revealed root says.

    Raises:
        UpdateRejected: the bytes are not the revealed lanes.
    """
    payload, bits, total = content[HEADER_BYTES:], spec.format.lane_bits, spec.shape.total
    # Anything shorter than plain lanes can be nothing but compact ones.
    read = expand if len(payload) < packed_bytes(total, bits) else unpack_lanes
    try:
        lanes = read(payload, bits, total)
    except (InvalidInput, MalformedContent) as error:
        raise UpdateRejected(reveal.client, f"its lanes have {len(payload)} bytes: {error}") from error
    chunks = chunks_of(lanes, bits)
    if merkle_root(salted(chunks, seed) if seed else chunks) != reveal.update_root:
        raise UpdateRejected(reveal.client, "its lanes do not have the revealed root")
    return VerifiedUpdate(reveal.index, reveal.client, reveal.update_root, reveal.content_digest, lanes, seed)


def chunks_of(lanes: NDArray[np.integer], lane_bits: int) -> list[bytes]:
    """The 32-byte chunks of `lanes`."""
    return split_leaves(pack_lanes(lanes, lane_bits))


def open_chunk(chunks: Sequence[bytes], coordinate: int, lane_bits: int, seed: bytes = b"") -> Opening:
    """The chunk that has a coordinate, its salt and its path; no `seed`, no salts."""
    index = coordinate * lane_bits // (8 * CHUNK_BYTES)
    path = merkle_path(salted(chunks, seed) if seed else chunks, index)
    return Opening(chunks[index], leaf_salt(seed, index) if seed else NO_SALT, tuple(path))


def lanes_under(root: bytes, content: bytes, coordinates: int) -> NDArray[np.int32] | None:
    """The lanes (`[coordinates]`) of an aggregate's or a model's content; None when they do not have this root."""
    payload = content[HEADER_BYTES:]
    if len(payload) != coordinates * MODEL_LANE_BITS // 8 or merkle_root(split_leaves(payload)) != root:
        return None
    return unpack_lanes(payload, MODEL_LANE_BITS, coordinates).astype(np.int32)


def first_difference(one: NDArray[np.int32], other: NDArray[np.int32]) -> int | None:
    """The first coordinate in which two vectors differ."""
    different = one != other
    return int(np.argmax(different)) if different.any() else None
