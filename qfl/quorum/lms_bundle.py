"""The bytes that carry a committee's LMS signatures to `LmsQuorum`: seats mask, then length and signature by seat."""

from __future__ import annotations

from collections.abc import Mapping

from qfl.errors import MalformedContent


def encode_bundle(signatures: Mapping[int, bytes]) -> bytes:
    """Pack `signatures` by seat (0 to 63)."""
    mask = sum(1 << seat for seat in signatures)
    parts = (len(signatures[seat]).to_bytes(2) + signatures[seat] for seat in sorted(signatures))
    return mask.to_bytes(8) + b"".join(parts)


def decode_bundle(bundle: bytes) -> dict[int, bytes]:
    """The signatures in `bundle`, by seat.

    Raises:
        MalformedContent: the lengths do not add up.
    """
    mask, offset, signatures = int.from_bytes(bundle[:8]), 8, {}
    for seat in (seat for seat in range(64) if mask >> seat & 1):
        size = int.from_bytes(bundle[offset : offset + 2])
        signatures[seat] = bundle[offset + 2 : offset + 2 + size]
        offset += 2 + size
    if offset != len(bundle):
        raise MalformedContent(f"attestation bundle of {len(bundle)} bytes, its lengths add up to {offset}")
    return signatures
