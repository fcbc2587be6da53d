"""Vectors of lanes as disputes take them: chunks of 32 bytes, and openings of single ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.chain.contracts.disputes import NO_SALT, Opening
from qfl.errors import MalformedContent, UpdateRejected
from qfl.protocol.chunks import CHUNK_BYTES, leaf_salt, merkle_path, merkle_root, salted, split_leaves
from qfl.protocol.content import HEADER_BYTES, read_lanes
from qfl.protocol.lanes import MODEL_LANE_BITS, pack_lanes, packed_bytes, unpack_lanes
from qfl.protocol.types import Reveal, RoundSpec, VerifiedUpdate


@dataclass(frozen=True)
class ShownUpdate(VerifiedUpdate):
    """An update that was shown on chain, by all of its `chunks`: there may be something behind its last lane."""

    chunks: Sequence[bytes] = ()


def open_lanes(reveal: Reveal, content: bytes, seed: bytes, spec: RoundSpec) -> VerifiedUpdate:
    """An update by its lanes alone: the header, and the norm, are not what the revealed root says.

    Raises:
        UpdateRejected: the bytes are not the revealed lanes.
    """
    bits = spec.format.lane_bits
    try:
        lanes = read_lanes(content, bits, spec.shape.total)
    except MalformedContent as error:
        raise UpdateRejected(reveal.client, f"its lanes have {len(content) - HEADER_BYTES} bytes: {error}") from error
    chunks = chunks_of(lanes, bits)
    if merkle_root(salted(chunks, seed) if seed else chunks) != reveal.update_root:
        raise UpdateRejected(reveal.client, "its lanes do not have the revealed root")
    return VerifiedUpdate(reveal.index, reveal.client, reveal.update_root, reveal.content_digest, lanes, seed)


def open_shown(reveal: Reveal, chunks: Sequence[bytes], spec: RoundSpec) -> ShownUpdate:
    """An update by the chunks that an answer on chain has shown."""
    said = reveal.index, reveal.client, reveal.update_root, reveal.content_digest
    return ShownUpdate(*said, lanes_in(chunks, spec.format.lane_bits, spec.shape.total), b"", tuple(chunks))


def update_chunks(update: VerifiedUpdate, lane_bits: int) -> Sequence[bytes]:
    """All chunks of an update."""
    return update.chunks if isinstance(update, ShownUpdate) else chunks_of(update.lanes, lane_bits)


def lanes_in(chunks: Sequence[bytes], lane_bits: int, coordinates: int) -> NDArray[np.signedinteger]:
    """The lanes (`[coordinates]`) in all chunks of a vector."""
    return unpack_lanes(b"".join(chunks)[: packed_bytes(coordinates, lane_bits)], lane_bits, coordinates)


def chunks_of(lanes: NDArray[np.integer], lane_bits: int) -> list[bytes]:
    """The 32-byte chunks of `lanes`."""
    return split_leaves(pack_lanes(lanes, lane_bits))


def open_chunk(chunks: Sequence[bytes], coordinate: int, lane_bits: int, seed: bytes = b"") -> Opening:
    """The chunk that has a coordinate, its salt and its path; no `seed`, no salts."""
    index = coordinate * lane_bits // (8 * CHUNK_BYTES)
    path = merkle_path(salted(chunks, seed) if seed else chunks, index)
    return Opening(chunks[index], leaf_salt(seed, index) if seed else NO_SALT, tuple(path))


def chunks_under(root: bytes, content: bytes, coordinates: int) -> list[bytes] | None:
    """The chunks of an aggregate's or a model's content; None when they do not have this root."""
    payload = content[HEADER_BYTES:]
    if len(payload) != packed_bytes(coordinates, MODEL_LANE_BITS):
        return None
    chunks = split_leaves(payload)
    return chunks if merkle_root(chunks) == root else None


def first_difference(one: NDArray[np.int32], other: NDArray[np.int32]) -> int | None:
    """The first coordinate in which two vectors differ."""
    different = one != other
    return int(np.argmax(different)) if different.any() else None
