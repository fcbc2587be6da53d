"""The file that keeps an LMS key and counts its leaves.

Version 1, big endian:

    magic "QFLK" | version u8 | height u8 | zeros [2] | next leaf u32 | its check [4]
    | identifier [16] | seed [24] | tree nodes T[1] .. T[2^(h+1)-1], 24 bytes each | sha-256 [32]

The check is over identifier and counter, the final hash over everything but counter and check. Signing writes
those eight bytes in place, and waits until they are on the disk, before the signature leaves: a crash can
lose a leaf, never use one twice.

A key file can be copied, and restored from a backup; both would sign twice with one leaf. So each key has a second file
in the user's state folder (`LeafMark`), named by the key's identifier: locked while a process holds the key, under
whatever name, and holding a high-water mark of the leaves used. A copy on another machine, or another user's, is out of
its sight.
"""

from __future__ import annotations

import hashlib
import os
import struct
import threading
from contextlib import ExitStack
from pathlib import Path

from qfl.crypto.lms import HASH_BYTES, HEIGHTS, IDENTIFIER_BYTES, LmsSecret
from qfl.errors import (
    InvalidInput,
    KeyExhausted,
    KeyFileBehind,
    KeyFileCorrupt,
    KeyFileExists,
    KeyFileExposed,
    KeyFileInUse,
    KeyFileMissing,
    KeyFileRolledBack,
)
from qfl.files import NotPrivate, create_private, open_private, try_lock
from qfl.protocol.types import LmsPublicKey

_HEADER = struct.Struct(">4sBB2x")
_COUNTER = struct.Struct(">I4s")
_MARK = struct.Struct(">II")
"""Leaves used, process that holds the key."""
_MAGIC, _VERSION = b"QFLK", 1
_SECRETS_OFFSET = _HEADER.size + _COUNTER.size
_NODES_OFFSET = _SECRETS_OFFSET + IDENTIFIER_BYTES + HASH_BYTES


def state_folder() -> Path:
    """`$XDG_STATE_HOME/qflchain/keys`, by default `~/.local/state/qflchain/keys`."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "qflchain" / "keys"


class LeafMark:
    """The mark of one key; the lock is held until `close`."""

    def __init__(self, folder: Path, identifier: bytes, key_path: Path) -> None:
        """Take the lock. Raises `KeyFileInUse`, naming the process, when somebody else has it."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / f"{identifier.hex()}.mark"
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            is_ours = try_lock(self._descriptor)
            self.next_leaf, holder = self._read()
            if not is_ours:
                raise KeyFileInUse(key_path, f"process {holder}")
        except BaseException:
            self.close()
            raise

    def advance(self, next_leaf: int) -> None:
        """Remember, on disk, that every leaf below `next_leaf` is used."""
        os.pwrite(self._descriptor, _MARK.pack(next_leaf, os.getpid()), 0)
        os.fsync(self._descriptor)
        self.next_leaf = next_leaf

    def close(self) -> None:
        os.close(self._descriptor)

    def _read(self) -> tuple[int, int]:
        record = os.pread(self._descriptor, _MARK.size + 1, 0)
        if not record:
            return 0, 0
        if len(record) != _MARK.size:
            raise KeyFileCorrupt(self._path, "not a leaf mark")
        next_leaf, holder = _MARK.unpack(record)
        return next_leaf, holder


class KeyFile:
    """A key that this process alone signs with, until `close`; use it as a context manager."""

    def __init__(self, path: Path, descriptor: int, secret: LmsSecret, mark: LeafMark, next_leaf: int) -> None:
        """For `open` and `create`, which hand over what they locked."""
        self._path, self._descriptor, self._secret, self._mark = path, descriptor, secret, mark
        self._next_leaf = next_leaf
        self._owner = os.getpid()
        self._turn = threading.Lock()

    @classmethod
    def create(cls, path: Path, height: int = 10, state: Path | None = None) -> KeyFile:
        """Make a key of 2^height leaves (1.4 s for 10) in a new file, and open it. Raises `KeyFileExists` too."""
        if path.exists():
            raise KeyFileExists(path)
        try:
            create_private(path, _serialise(LmsSecret.generate(height)))
        except FileExistsError:
            raise KeyFileExists(path) from None
        return cls.open(path, state)

    @classmethod
    def open(cls, path: Path, state: Path | None = None) -> KeyFile:
        """Open a key for signing. `state` is where the leaf marks are kept (default `state_folder()`).

        Raises `KeyFileMissing`, `KeyFileExposed` (readable by others, or not owned), `KeyFileCorrupt`,
        `KeyFileInUse` (the file or a copy of it is held by another process) or `KeyFileRolledBack` (older
        than the leaves used).
        """
        with ExitStack() as undo:
            descriptor = _open(path)
            undo.callback(os.close, descriptor)
            secret = _parse(path, descriptor)
            mark = LeafMark(state or state_folder(), secret.identifier, path)
            undo.callback(mark.close)
            # The mark's lock covers copies; the file's own lock, processes that keep their marks elsewhere.
            if not try_lock(descriptor):
                raise KeyFileInUse(path, "another process")
            next_leaf = _read_counter(path, descriptor, secret)
            if next_leaf < mark.next_leaf:
                raise KeyFileRolledBack(path, next_leaf, mark.next_leaf)
            mark.advance(next_leaf)
            undo.pop_all()
        return cls(path, descriptor, secret, mark, next_leaf)

    @property
    def public(self) -> LmsPublicKey:
        """The public key."""
        return self._secret.public

    @property
    def next_leaf(self) -> int:
        """The leaf that the next signature uses."""
        return self._next_leaf

    @property
    def remaining(self) -> int:
        """How many signatures are left."""
        return int(2**self._secret.height) - self._next_leaf

    def sign(self, digest: bytes) -> bytes:
        """Sign a 32-byte `digest` with the next leaf, which is used up even if this process dies here.

        Raises `KeyExhausted`; `KeyFileInUse` in a forked child: the key stayed with its parent.
        """
        if len(digest) != 32:
            raise InvalidInput("digest", digest, "a digest has 32 bytes")
        return self._secret.sign(self._take_leaf(), digest)

    def require_unseen(self, lowest: int, contract: str) -> None:
        """Raise `KeyFileBehind` where `contract`, which has seen leaves below `lowest`, has seen the next one."""
        if self._next_leaf < lowest:
            raise KeyFileBehind(self._path, self._next_leaf, lowest - 1, contract)

    def close(self) -> None:
        """Let go of the key; nothing is left to write."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._mark.close()
            self._descriptor = -1

    def __enter__(self) -> KeyFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take_leaf(self) -> int:
        with self._turn:
            if self._descriptor < 0:
                raise ValueError(f"{self._path} is closed")
            if os.getpid() != self._owner:
                raise KeyFileInUse(self._path, f"process {self._owner}")
            if self.remaining == 0:
                raise KeyExhausted(self._path, self._next_leaf)
            leaf = self._next_leaf
            # First here: a write that fails must not make the next attempt take the same leaf.
            self._next_leaf = leaf + 1
            os.pwrite(self._descriptor, _counter(self._secret.identifier, leaf + 1), _HEADER.size)
            os.fsync(self._descriptor)
            # The mark second: a crash in between must not make the file look rolled back.
            self._mark.advance(leaf + 1)
            return leaf


def _serialise(secret: LmsSecret) -> bytes:
    header = _HEADER.pack(_MAGIC, _VERSION, secret.height)
    body = secret.identifier + secret.seed + secret.nodes
    return header + _counter(secret.identifier, 0) + body + hashlib.sha256(header + body).digest()


def _open(path: Path) -> int:
    try:
        return open_private(path, os.O_RDWR)
    except FileNotFoundError:
        raise KeyFileMissing(path) from None
    except NotPrivate as error:
        raise KeyFileExposed(path, error.mode) from None
    except OSError as error:
        raise KeyFileCorrupt(path, error.strerror or str(error)) from error


def _parse(path: Path, descriptor: int) -> LmsSecret:
    sizes = {_NODES_OFFSET + HASH_BYTES * (2 ** (height + 1) - 1) + 32: height for height in HEIGHTS}
    size = os.fstat(descriptor).st_size
    if size not in sizes:
        raise KeyFileCorrupt(path, f"{size} bytes are no key file's length")
    data = os.pread(descriptor, size, 0)
    header, body, check = data[: _HEADER.size], data[_SECRETS_OFFSET:-32], data[-32:]
    if header != _HEADER.pack(_MAGIC, _VERSION, sizes[size]):
        raise KeyFileCorrupt(path, "unknown format")
    if hashlib.sha256(header + body).digest() != check:
        raise KeyFileCorrupt(path, "its bytes do not match their checksum")
    identifier, rest = body[:IDENTIFIER_BYTES], body[IDENTIFIER_BYTES:]
    return LmsSecret(identifier, rest[:HASH_BYTES], sizes[size], rest[HASH_BYTES:])


def _read_counter(path: Path, descriptor: int, secret: LmsSecret) -> int:
    record = os.pread(descriptor, _COUNTER.size, _HEADER.size)
    next_leaf = int(_COUNTER.unpack(record)[0])
    if record != _counter(secret.identifier, next_leaf) or next_leaf > 2**secret.height:
        raise KeyFileCorrupt(path, "its leaf counter is damaged")
    return next_leaf


def _counter(identifier: bytes, next_leaf: int) -> bytes:
    check = hashlib.sha256(identifier + next_leaf.to_bytes(4, "big")).digest()[:4]
    return _COUNTER.pack(next_leaf, check)
