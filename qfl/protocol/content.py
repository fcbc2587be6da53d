"""Content objects: the one binary form of updates, aggregates and models on IPFS.

A 64-byte header, then the lanes. Big endian; every field has one valid encoding, so the same content always
has the same digest:

    magic "QFLC" | version u8 = 1 | kind u8 | lane bits u8 | flags u8 | round u64 | shard u16 | count u16
    | author u32 | quantum u32 | classical u32 | base root [32]

The one flag, 1, says that an update's lanes are in the form of `qfl.protocol.compact`, where that is shorter. Its root
is over the plain lanes all the same, so contracts never meet the compact form.
"""

import hashlib
import struct
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from qfl.errors import InvalidInput, MalformedContent
from qfl.protocol.chunks import merkle_root, salted, split_leaves
from qfl.protocol.compact import compress, expand
from qfl.protocol.lanes import UPDATE_BITS, pack_lanes, packed_bytes, unpack_lanes
from qfl.protocol.types import ModelShape, RoundSpec

HEADER = struct.Struct(">4sBBBBQHHIII32s")
MAGIC = b"QFLC"
VERSION = 1
COMPACT = 1
HEADER_BYTES = HEADER.size
MAX_CONTENT_BYTES = 2**20
"""One raw IPFS block: larger ones are not passed on by other nodes."""


class ContentKind(IntEnum):
    """What a content object holds."""

    UPDATE = 1
    AGGREGATE = 2
    MODEL = 3


@dataclass(frozen=True, eq=False)
class Content:
    """One update, shard aggregate or model.

    `lanes` (`[shape.total]`) are of 4, 8 or 16 bits in an update, else 32. `count` is an aggregate's number of
    included updates, `author` an update's client, `shard` the shard of either; all are 0 elsewhere.
    `base_root` is the root of the model that an update or aggregate builds on, or that came before a model;
    zeros for the genesis model. `compact` is how an update is written.
    """

    kind: ContentKind
    lane_bits: int
    round: int
    shard: int
    count: int
    author: int
    shape: ModelShape
    base_root: bytes
    lanes: npt.NDArray[np.signedinteger]
    compact: bool = False

    @cached_property
    def root(self) -> bytes:
        """The `Chunks` root over the lanes alone, computed once."""
        return merkle_root(split_leaves(pack_lanes(self.lanes, self.lane_bits)))


def plain_bytes(coordinates: int, lane_bits: int) -> int:
    """Size of a content object of so many lanes, unless they are compact."""
    return HEADER_BYTES + packed_bytes(coordinates, lane_bits)


def most_update_bytes(spec: RoundSpec) -> int:
    """Size of an update's content object whose lanes are plain; no other is larger."""
    return plain_bytes(spec.shape.total, spec.format.lane_bits)


def encode(content: Content) -> bytes:
    """The object's bytes. Raises `MalformedContent` for what `decode` would refuse."""
    shape = content.shape
    if content.lanes.shape != (shape.total,):
        raise MalformedContent(f"{content.lanes.shape} lanes for {shape.total} coordinates")
    if len(content.base_root) != 32:
        raise MalformedContent(f"a base root of {len(content.base_root)} bytes")
    try:
        header = HEADER.pack(
            *(MAGIC, VERSION, content.kind, content.lane_bits, COMPACT if content.compact else 0),
            *(content.round, content.shard, content.count, content.author, shape.quantum, shape.classical),
            content.base_root,
        )
    except struct.error as error:
        raise MalformedContent(f"a header field does not fit: {error}") from error
    _check_fields(content)
    plain = pack_lanes(content.lanes, content.lane_bits)
    data = header + (compress(content.lanes) if content.compact else plain)
    _check_length(content, len(data))
    return data


def encode_briefly(content: Content) -> bytes:
    """The bytes of an update in its shorter form. Raises `MalformedContent` as `encode`."""
    plain, lanes = encode(replace(content, compact=False)), compress(content.lanes)
    return encode(replace(content, compact=True)) if HEADER_BYTES + len(lanes) < len(plain) else plain


def decode(data: bytes) -> Content:
    """The object in `data`, from anybody. Raises `MalformedContent` with the reason."""
    if len(data) < HEADER_BYTES:
        raise MalformedContent(f"{len(data)} bytes are less than a header")
    magic, version, kind, lane_bits, flags, round_, shard, count, author, quantum, classical, base_root = (
        HEADER.unpack_from(data)
    )
    if magic != MAGIC:
        raise MalformedContent(f"magic {magic!r}")
    if version != VERSION:
        raise MalformedContent(f"version {version}")
    if kind not in set(ContentKind):
        raise MalformedContent(f"kind {kind}")
    if flags not in (0, COMPACT):
        raise MalformedContent(f"flags {flags:#04x}")
    shape = ModelShape(quantum, classical)
    no_lanes = np.zeros(0, np.int8)
    content = Content(
        ContentKind(kind), lane_bits, round_, shard, count, author, shape, base_root, no_lanes, flags == COMPACT
    )
    _check_fields(content)
    _check_length(content, len(data))
    lanes = (expand if content.compact else unpack_lanes)(data[HEADER_BYTES:], lane_bits, shape.total)
    return replace(content, lanes=lanes)


def read_lanes(data: bytes, lane_bits: int, coordinates: int) -> npt.NDArray[np.signedinteger]:
    """The lanes (`[coordinates]`) behind a header, whatever that says.

    Raises:
        MalformedContent: there are more or fewer.
    """
    payload = data[HEADER_BYTES:]
    # Anything shorter than plain lanes can be nothing but compact ones.
    if len(payload) < packed_bytes(coordinates, lane_bits):
        return expand(payload, lane_bits, coordinates)
    try:
        return unpack_lanes(payload, lane_bits, coordinates)
    except InvalidInput as error:
        raise MalformedContent(str(error)) from error


def lanes_root(content: Content, seed: bytes = b"") -> bytes:
    """`updateRoot`, `aggregateRoot` or `modelRoot`: the `Chunks` root over the lanes alone.

    With a `seed` (32 bytes) the leaves are salted: the `updateRoot` of the private mode, from which nobody can guess.
    """
    if not seed:
        return content.root
    return merkle_root(salted(split_leaves(pack_lanes(content.lanes, content.lane_bits)), seed))


def content_digest(data: bytes) -> bytes:
    """sha-256 of the whole object: what the chain keeps and `cid_of` names."""
    return hashlib.sha256(data).digest()


def _check_fields(content: Content) -> None:
    kind = content.kind
    allowed_bits = UPDATE_BITS if kind == ContentKind.UPDATE else (32,)
    if content.lane_bits not in allowed_bits:
        raise MalformedContent(f"lane bits {content.lane_bits} where kind {kind} has {allowed_bits}")
    if (content.count > 0) != (kind == ContentKind.AGGREGATE):
        raise MalformedContent(f"count {content.count} in kind {kind}")
    if (content.author > 0) != (kind == ContentKind.UPDATE):
        raise MalformedContent(f"author {content.author} in kind {kind}")
    if content.shard and kind == ContentKind.MODEL:
        raise MalformedContent(f"shard {content.shard} in a model")
    if content.compact and kind != ContentKind.UPDATE:
        raise MalformedContent(f"compact lanes in kind {kind}")


def _check_length(content: Content, length: int) -> None:
    coordinates = content.shape.total
    expected = plain_bytes(coordinates, content.lane_bits)
    if coordinates == 0:
        raise MalformedContent("no coordinates")
    if expected > MAX_CONTENT_BYTES:
        raise MalformedContent(f"{expected} bytes announced, at most {MAX_CONTENT_BYTES} allowed")
    if content.compact and length >= expected:
        raise MalformedContent(f"{length} bytes of compact content where plain lanes take {expected}")
    if not content.compact and length != expected:
        raise MalformedContent(f"{length} bytes where the header announces {expected}")
