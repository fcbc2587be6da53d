"""What a machine remembers of a key, apart from the key file: who holds it, and which leaves are used.

A key file can be copied, and restored from a backup; both would sign twice with one leaf. So each key has a
second file in the user's state folder, named by the key's identifier: locked while a process holds the key,
under whatever name, and holding a high-water mark of the leaves used. A copy on another machine, or another
user's, is out of its sight.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from qfl.errors import KeyFileCorrupt, KeyFileInUse
from qfl.files import try_lock

_RECORD = struct.Struct(">II")
"""Leaves used, process that holds the key."""


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
        os.pwrite(self._descriptor, _RECORD.pack(next_leaf, os.getpid()), 0)
        os.fsync(self._descriptor)
        self.next_leaf = next_leaf

    def close(self) -> None:
        """Let go of the lock."""
        os.close(self._descriptor)

    def _read(self) -> tuple[int, int]:
        record = os.pread(self._descriptor, _RECORD.size + 1, 0)
        if not record:
            return 0, 0
        if len(record) != _RECORD.size:
            raise KeyFileCorrupt(self._path, "not a leaf mark")
        next_leaf, holder = _RECORD.unpack(record)
        return next_leaf, holder
