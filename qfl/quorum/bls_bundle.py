"""The bytes that carry a committee's attestations to `BlsQuorum` as one signature.

Layout, big endian:

    seats mask u64 | aggregate signature [192] | for each seat in the mask, lowest first, where its key is:
    page u16 and slot u8, or 0xffff and the key itself [96] when it is in no page
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qfl.crypto.bls_points import FULL_KEY_BYTES, FULL_SIGNATURE_BYTES
from qfl.errors import MalformedContent
from qfl.protocol.types import KeyPlace

_NO_PAGE = b"\xff\xff"
_KEYS_OFFSET = 8 + FULL_SIGNATURE_BYTES


@dataclass(frozen=True)
class Aggregate:
    """One signature in full (192 bytes), and by seat where the keys are that it is under: a place, or 96 bytes."""

    signature: bytes
    keys: Mapping[int, KeyPlace | bytes]


def encode_aggregate(aggregate: Aggregate) -> bytes:
    """The bundle of an aggregate, whose seats are 0 to 63."""
    mask = sum(1 << seat for seat in aggregate.keys)
    keys = (_encode_key(aggregate.keys[seat]) for seat in sorted(aggregate.keys))
    return mask.to_bytes(8) + aggregate.signature + b"".join(keys)


def decode_aggregate(bundle: bytes) -> Aggregate:
    """What is in a bundle.

    Raises:
        MalformedContent: it is cut, or has bytes left over.
    """
    mask, offset, keys = int.from_bytes(bundle[:8]), _KEYS_OFFSET, dict[int, KeyPlace | bytes]()
    for seat in (seat for seat in range(64) if mask >> seat & 1):
        page = bundle[offset : offset + 2]
        if page == _NO_PAGE:
            keys[seat] = bundle[offset + 2 : offset + 2 + FULL_KEY_BYTES]
            offset += 2 + FULL_KEY_BYTES
        else:
            keys[seat] = KeyPlace(int.from_bytes(page), int.from_bytes(bundle[offset + 2 : offset + 3]))
            offset += 3
    if offset != len(bundle):
        raise MalformedContent(f"aggregate of {len(bundle)} bytes, its seats add up to {offset}")
    return Aggregate(bundle[8:_KEYS_OFFSET], keys)


def _encode_key(key: KeyPlace | bytes) -> bytes:
    return _NO_PAGE + key if isinstance(key, bytes) else key.page.to_bytes(2) + key.slot.to_bytes(1)
