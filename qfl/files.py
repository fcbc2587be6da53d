"""Files that are whole or absent, whatever happens while they are written; and documents, whatever is in them."""

import codecs
import errno
import fcntl
import json
import os
import stat
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

_Document = TypeVar("_Document")
LONGEST_BYTES = 2**26  # of a document that is read whole


class NotARegularFile(OSError):
    """A device, a pipe or the like is where a file is to be: it would wait for ever, or be replaced."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EINVAL, "it is not a regular file", str(path))


class NotPrivate(OSError):
    """Others can read or write a file that is for its owner alone, or own it; `mode` says who."""

    def __init__(self, path: Path, mode: int) -> None:
        super().__init__(errno.EPERM, "others can read it, write it or own it", str(path))
        self.mode = mode


def open_regular(path: Path, flags: int = os.O_RDONLY) -> int:
    """A descriptor of a regular file, or of the one that a link leads to; a pipe that nobody writes to is not awaited.

    Raises NotARegularFile, IsADirectoryError, OSError.
    """
    descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY, 0o666)
    try:
        _check_regular(path, os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_private(path: Path, flags: int = os.O_RDONLY) -> int:
    """As `open_regular`, of a file that only this user owns, reads and writes.

    Raises NotPrivate, NotARegularFile, IsADirectoryError, OSError.
    """
    descriptor = open_regular(path, flags)
    status = os.fstat(descriptor)
    mode = stat.S_IMODE(status.st_mode)
    if mode & ~0o600 or status.st_uid != os.geteuid():
        os.close(descriptor)
        raise NotPrivate(path, mode)
    return descriptor


def try_lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Take a lock on an open file, which lasts until it is closed; False where another process is in the way."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_json(path: Path) -> Any:
    """A JSON document.

    Raises:
        OSError: there is none to read, or it is not a regular file.
        ValueError: it is none, too long, too deep, or no UTF-8.
    """
    return _read(path, json.loads)


def read_json_lines(path: Path) -> list[Any]:
    """JSON documents, one a line, as far as they are whole: a line cut short ends them. Raises OSError."""
    documents = []
    with os.fdopen(open_regular(path), "rb") as file:
        data = file.read()
    for line in data.splitlines():
        try:
            documents.append(json.loads(line))
        except (ValueError, RecursionError):
            break
    return documents


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML document. Raises as `read_json`."""
    return _read(path, tomllib.loads)


def write_atomically(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write `data` to `path` so that a reader, or the next start after a crash, sees the old file or the new one.

    The data is on disk (fsync of file and folder) when this returns. A link is kept: what it leads to is written. For
    what others may not read (by `mode`) it is refused, since that might be anywhere.

    Raises NotARegularFile, IsADirectoryError: what is there is no file, and is left as it is; OSError.
    """
    follow = bool(mode & 0o077)
    with suppress(FileNotFoundError):
        _check_regular(path, path.stat(follow_symlinks=follow))
    if follow:
        path = Path(os.path.realpath(path))
    with _draft(path, data, mode) as draft:
        draft.replace(path)


def create_private(path: Path, data: bytes) -> None:
    """Write a file that must not exist yet; it is whole, on disk and readable by its owner alone, or absent.

    Raises `FileExistsError`.
    """
    with _draft(path, data, 0o600) as draft:
        # A link, unlike a rename, never replaces a file that appeared meanwhile.
        path.hardlink_to(draft)


@contextmanager
def _draft(path: Path, data: bytes, mode: int) -> Iterator[Path]:
    """A file beside `path`, on disk, that is to take its name; afterwards the folder is on disk as well."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError:  # which would be said of the file that is to be made in it
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path.parent)) from None
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # with mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
    _sync_folder(path.parent)


def _check_regular(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise NotARegularFile(path)


def _read(path: Path, parse: Callable[[str], _Document]) -> _Document:
    with os.fdopen(open_regular(path), "rb") as file:
        data = file.read(LONGEST_BYTES + 1)
    if len(data) > LONGEST_BYTES:
        raise ValueError(f"it has more than {LONGEST_BYTES:,} bytes")
    if data.startswith(codecs.BOM_UTF8):
        raise ValueError("it begins with a byte-order mark: save it as UTF-8 without one")
    try:
        return parse(data.decode())
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
