"""Small files that keep a key's seed: made once, whole, readable by their owner alone.

Layout: magic and version [8] | seed | sha-256 of all that [32]. For keys that have no state; an LMS key has
(`qfl.crypto.keyfile`).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qfl.errors import KeyFileError
from qfl.files import NotARegularFile, create_private, is_private, open_regular


@dataclass(frozen=True)
class SeedFile:
    """One kind of seed file; the texts say what its user can do.

    Attributes:
        header: magic and version, 8 bytes.
        seed_bytes: length of the seed.
        unusable: the error to raise, from path, reason and remedy.
        danger: what others could do with the file.
        absent: the remedy when there is no file.
        damaged: the remedy when it is no such file any more.
    """

    header: bytes
    seed_bytes: int
    unusable: Callable[[Path, str, str], KeyFileError]
    danger: str
    absent: str
    damaged: str

    def create(self, path: Path) -> bytes:
        """Keep a new random seed in a new file of mode 0600. Raises `unusable` when the file exists."""
        seed = os.urandom(self.seed_bytes)
        body = self.header + seed
        try:
            create_private(path, body + hashlib.sha256(body).digest())
        except FileExistsError:
            remedy = "a key is never overwritten; choose another name"
            raise self.unusable(path, "it exists already", remedy) from None
        return seed

    def open(self, path: Path) -> bytes:
        """Read a seed. Raises `unusable`: missing, readable by others, or damaged."""
        try:
            descriptor = open_regular(path)
        except (NotARegularFile, IsADirectoryError):
            raise self.unusable(path, "not a regular file", self.damaged) from None
        except OSError as error:
            raise self.unusable(path, error.strerror or str(error), self.absent) from error
        length = len(self.header) + self.seed_bytes + 32
        try:
            mode = os.fstat(descriptor).st_mode
            if not is_private(descriptor):
                remedy = f"{self.danger}; run `chmod 600 {path}`"
                raise self.unusable(path, f"mode {stat.S_IMODE(mode):04o}", remedy)
            data = os.read(descriptor, length + 1)
        finally:
            os.close(descriptor)
        if len(data) != length or not data.startswith(self.header):
            raise self.unusable(path, "unknown format", self.damaged)
        body, check = data[:-32], data[-32:]
        if hashlib.sha256(body).digest() != check:
            raise self.unusable(path, "its bytes do not match their checksum", self.damaged)
        return body[len(self.header) :]

    def keep(self, path: Path) -> bytes:
        """The seed in `path`, made if there is none. Raises as `open`."""
        return self.open(path) if path.exists() else self.create(path)
