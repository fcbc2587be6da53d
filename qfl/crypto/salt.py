"""What hides a private update's Poseidon commitment; its leaves have `qfl.protocol.chunks.leaf_salt`."""

from __future__ import annotations

from eth_hash.auto import keccak

from qfl.crypto.norm.poseidon import SCALAR_FIELD


def commitment_salt(seed: bytes) -> int:
    """The salt of `commit_lanes` for an update with this `seed` (32 bytes): keccak(seed | "commitment") mod r.

    Nothing that is published with a dispute over one leaf leads to it.
    """
    return int.from_bytes(keccak(seed + b"commitment")) % SCALAR_FIELD
