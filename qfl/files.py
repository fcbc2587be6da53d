"""Files that are whole or absent, whatever happens while they are written."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


def write_atomically(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write `data` to `path` so that a reader, or the next start after a crash, sees the old file or the new one.

    The data is on disk (fsync of file and folder) when this returns.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def create_private(path: Path, data: bytes) -> None:
    """Write a file that must not exist yet; it is whole, on disk and readable by its owner alone, or absent.

    Raises `FileExistsError`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Made with mode 0600.
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, never replaces a file that appeared meanwhile.
        path.hardlink_to(draft)
    finally:
        Path(draft).unlink()
    _sync_folder(path.parent)


def is_private(descriptor: int) -> bool:
    """True for an open file that only this user owns, reads and writes."""
    status = os.fstat(descriptor)
    return not stat.S_IMODE(status.st_mode) & ~0o600 and status.st_uid == os.geteuid()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
