"""Files that are whole or absent, whatever happens while they are written; and documents, whatever is in them."""

from __future__ import annotations

import codecs
import errno
import json
import os
import stat
import tempfile
import tomllib
from pathlib import Path
from typing import Any

LONGEST_BYTES = 2**26
"""Of a document that is read whole."""


def read_json(path: Path) -> Any:
    """A JSON document.

    Raises:
        OSError.
        ValueError: it is none, too long, too deep, or no UTF-8.
    """
    try:
        return json.loads(_read_text(path))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json_lines(path: Path) -> list[Any]:
    """JSON documents, one a line, as far as they are whole: a line cut short ends them. Raises OSError."""
    documents = []
    for line in path.read_bytes().splitlines():
        try:
            documents.append(json.loads(line))
        except (ValueError, RecursionError):
            break
    return documents


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML document. Raises as `read_json`."""
    try:
        return tomllib.loads(_read_text(path))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def write_atomically(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write `data` to `path` so that a reader, or the next start after a crash, sees the old file or the new one.

    The data is on disk (fsync of file and folder) when this returns.
    """
    _make_folder(path.parent)
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
    _make_folder(path.parent)
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


def _read_text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(LONGEST_BYTES + 1)
    if len(data) > LONGEST_BYTES:
        raise ValueError(f"it has more than {LONGEST_BYTES:,} bytes")
    if data.startswith(codecs.BOM_UTF8):
        raise ValueError("it begins with a byte-order mark: save it as UTF-8 without one")
    return data.decode()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:  # which would be said of the file that is to be made in it
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
