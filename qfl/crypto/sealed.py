"""Sealed objects: a content object that the seats of one committee can read, and nobody else. Version 1, big endian:

    magic "QFLE" | version u8 | seats u8 | zeros [2] | recipients u64 (bit i: seat i)
    | by seat, for each recipient: ML-KEM-768 ciphertext [1088] | wrapped seed [40]
    | the content object under AES-256-GCM, with its tag [16]

The seed (32 random bytes, used for one object only) gives the content key and the messages of all encapsulations. So a
sealed object is a function of content, seed, keys and context: who opens it seals it again, and compares. Without that,
a client could send some seats a key and others noise, and leave a committee divided over what can be read; with it,
either every seat can open an object, or none accepts it (encrypt-with-hash, Bellare, Boldyreva, O'Neill 2007, section
5). The context (chain, shard, round, client) is bound into every key, so an object opens nowhere else.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from qfl.crypto.kem import CIPHERTEXT_BYTES, KemKey, encapsulate
from qfl.errors import MalformedContent, SealBroken

HEADER = struct.Struct(">4sBBHQ")
MAGIC, VERSION, MOST_SEATS = b"QFLE", 1, 64
SEED_BYTES, TAG_BYTES = 32, 16
ENTRY_BYTES = CIPHERTEXT_BYTES + SEED_BYTES + 8
NONCE = bytes(12)
"""Every content key encrypts once, so nothing has to vary."""


def sealed_bytes(content_bytes: int, recipients: int) -> int:
    """Size of a sealed object."""
    return HEADER.size + recipients * ENTRY_BYTES + content_bytes + TAG_BYTES


def seal(content: bytes, seed: bytes, recipients: Sequence[bytes], context: bytes) -> bytes:
    """Seal `content` to the public keys in `recipients`, by seat, empty where none can read it. Raises InvalidInput."""
    mask = sum(1 << seat for seat, public in enumerate(recipients) if public)
    sealed = HEADER.pack(MAGIC, VERSION, len(recipients), 0, mask)
    for seat, public in enumerate(recipients):
        if public:
            sealed += _entry(seat, public, seed, context)
    return sealed + AESGCM(_derive(seed, "content", context)).encrypt(NONCE, content, sealed + context)


def open_sealed(
    data: bytes, seat: int, key: KemKey, recipients: Sequence[bytes], context: bytes
) -> tuple[bytes, bytes]:
    """The content and seed in `data`, from anybody, for the holder of `seat`.

    `recipients` are the seats' public keys, as far as they are known: all entries are checked with them.

    Raises:
        MalformedContent: no sealed object for a committee of this size.
        SealBroken: this seat, or another recipient, cannot open it.
    """
    parsed = parse_sealed(data, len(recipients))
    if seat not in parsed.entries:
        raise SealBroken(f"seat {seat} is no recipient")
    ciphertext, wrapped = parsed.entries[seat][:CIPHERTEXT_BYTES], parsed.entries[seat][CIPHERTEXT_BYTES:]
    try:
        seed = aes_key_unwrap(_wrapping_key(seat, key.decapsulate(ciphertext), context), wrapped)
    except InvalidUnwrap:
        raise SealBroken(f"the entry of seat {seat} was not made for its key, or not for this place") from None
    for other, entry in parsed.entries.items():
        if not recipients[other]:
            raise SealBroken(f"the key of seat {other} cannot be had, so its entry cannot be checked")
        if entry != _entry(other, recipients[other], seed, context):
            raise SealBroken(f"the entry of seat {other} does not open to what the others get")
    try:
        content = AESGCM(_derive(seed, "content", context)).decrypt(NONCE, parsed.payload, parsed.head + context)
    except InvalidTag:
        raise SealBroken("its content is damaged") from None
    return content, seed


@dataclass(frozen=True)
class Parsed:
    """A sealed object in its parts: entries by seat, and `head`, all that comes before the payload."""

    entries: dict[int, bytes]
    head: bytes
    payload: bytes


def parse_sealed(data: bytes, seats: int) -> Parsed:
    """Take an object for a committee of `seats` apart. Raises `MalformedContent` with the reason."""
    if len(data) < HEADER.size:
        raise MalformedContent(f"{len(data)} bytes are less than a sealed object's header")
    magic, version, named, zeros, mask = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise MalformedContent(f"magic {magic!r} where a sealed object is due")
    if version != VERSION:
        raise MalformedContent(f"sealed object of version {version}")
    if named != seats or zeros:
        raise MalformedContent(f"sealed to a committee of {named} seats (and {zeros}), this one has {seats}")
    if mask >> seats:
        raise MalformedContent(f"recipients {mask:#x} of {seats} seats")
    recipients = [seat for seat in range(seats) if mask >> seat & 1]
    end = HEADER.size + ENTRY_BYTES * len(recipients)
    if len(data) < end + TAG_BYTES:
        raise MalformedContent(f"{len(data)} bytes where {len(recipients)} recipients take {end + TAG_BYTES} or more")
    starts = range(HEADER.size, end, ENTRY_BYTES)
    entries = {seat: data[start : start + ENTRY_BYTES] for seat, start in zip(recipients, starts, strict=True)}
    return Parsed(entries, data[:end], data[end:])


def _entry(seat: int, public: bytes, seed: bytes, context: bytes) -> bytes:
    secret, ciphertext = encapsulate(public, _derive(seed, f"message of seat {seat}", context))
    return ciphertext + aes_key_wrap(_wrapping_key(seat, secret, context), seed)


def _wrapping_key(seat: int, secret: bytes, context: bytes) -> bytes:
    return _derive(secret, f"wrapping for seat {seat}", context)


def _derive(secret: bytes, purpose: str, context: bytes) -> bytes:
    """32 bytes for one purpose in one place (RFC 5869)."""
    return HKDF(SHA256(), 32, salt=None, info=f"QFLchain sealed {purpose}|".encode() + context).derive(secret)
