"""Keys that are made of a seed, and the small files that keep it: made once, whole, readable by their owner alone.

Layout: magic and version [8] | seed | sha-256 of all that [32]. For keys that have no state; an LMS key has
(`qfl.crypto.keyfile`).
"""

import hashlib
import os
import secrets
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self

from qfl.errors import SeedKeyUnusable
from qfl.files import NotARegularFile, NotPrivate, create_private, open_private


class SeedKey(ABC):
    """One kind of key; the texts say what its user can do.

    Attributes:
        header: magic and version, 8 bytes.
        seed_bytes: length of the seed.
        unusable: the error to raise.
        danger: what others could do with the file.
        absent: the remedy when there is no file.
        damaged: the remedy when it is no such file any more.
    """

    header: ClassVar[bytes]
    seed_bytes: ClassVar[int]
    unusable: ClassVar[type[SeedKeyUnusable]]
    danger: ClassVar[str]
    absent: ClassVar[str]
    damaged: ClassVar[str]

    @abstractmethod
    def __init__(self, seed: bytes) -> None:
        """From `seed_bytes` of `seed`."""

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a key in a new file of mode 0600. Raises `unusable` when the file exists."""
        seed = secrets.token_bytes(cls.seed_bytes)
        body = cls.header + seed
        try:
            create_private(path, body + hashlib.sha256(body).digest())
        except FileExistsError:
            raise cls.unusable(path, "it exists already", "a key is never overwritten; choose another name") from None
        return cls(seed)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read a key. Raises `unusable`: missing, readable by others, or damaged."""
        length = len(cls.header) + cls.seed_bytes + 32
        try:
            with os.fdopen(open_private(path), "rb") as file:
                data = file.read(length + 1)
        except NotPrivate as error:
            raise cls.unusable(path, f"mode {error.mode:04o}", f"{cls.danger}; run `chmod 600 {path}`") from None
        except (NotARegularFile, IsADirectoryError):
            raise cls.unusable(path, "not a regular file", cls.damaged) from None
        except OSError as error:
            raise cls.unusable(path, error.strerror or str(error), cls.absent) from error
        if len(data) != length or not data.startswith(cls.header):
            raise cls.unusable(path, "unknown format", cls.damaged)
        body, check = data[:-32], data[-32:]
        if hashlib.sha256(body).digest() != check:
            raise cls.unusable(path, "its bytes do not match their checksum", cls.damaged)
        return cls(body[len(cls.header) :])

    @classmethod
    def keep(cls, path: Path) -> Self:
        """The key in `path`, made if there is none. Raises as `open`."""
        return cls.open(path) if path.exists() else cls.create(path)
