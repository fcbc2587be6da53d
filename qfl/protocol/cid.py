"""The name of a content object on IPFS: CIDv1, codec raw, hash sha2-256, written in lower-case base32.

One raw block's CID and its sha-256 say the same, so the 32 bytes on chain are all that is needed to fetch it.
"""

import base64
import binascii

from qfl.errors import InvalidInput

CID_PREFIX = bytes([0x01, 0x55, 0x12, 0x20])
"""CID version 1, raw, sha2-256, 32 bytes of digest."""


def cid_of(digest: bytes) -> str:
    """The CID ("bafkrei...") of the raw block with this sha-256 `digest` (32 bytes)."""
    if len(digest) != 32:
        raise InvalidInput("digest", digest, "a sha-256 digest has 32 bytes")
    return "b" + base64.b32encode(CID_PREFIX + digest).decode().rstrip("=").lower()


def digest_of(cid: str) -> bytes:
    """The sha-256 digest (32 bytes) in `cid`. Raises `InvalidInput` for anything `cid_of` does not write."""
    try:
        data = base64.b32decode(cid[1:].upper() + "=" * (-len(cid[1:]) % 8))
    except (binascii.Error, ValueError):
        data = b""
    # Writing it again refuses upper case, other codecs and hashes, and stray bits in the last letter.
    if len(data) != 36 or cid_of(data[4:]) != cid:
        raise InvalidInput("cid", cid, "only CIDv1, raw, sha2-256, in lower-case base32 is used here")
    return data[4:]
