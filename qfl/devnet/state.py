"""What a running devnet tells others: `devnet.json`, and a lock that lives exactly as long as its process."""

import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from qfl.errors import DevnetRunning, DevnetStateDamaged
from qfl.files import read_json, try_lock

FORMAT = 1
STATE = "devnet.json"
LOCK = "devnet.lock"
LOCK_SECONDS = 0.5


@dataclass(frozen=True)
class PartState:
    """One program: `name` is "chain", "ipfs" or "shard-0" and so on, `pid` the program's own.

    `started_at` is in unix seconds.
    """

    name: str
    program: str
    url: str
    pid: int
    started_at: float
    log: str


@dataclass(frozen=True)
class DevnetState:
    """A devnet that is up: the process that runs it, and its parts."""

    pid: int
    parts: tuple[PartState, ...]


def read_state(folder: Path) -> DevnetState | None:
    """The state of the devnet in `folder`; None if none is up, whatever a killed one left behind.

    Raises DevnetStateDamaged: one is up, and what it has written cannot be read.
    """
    if lock_holder(folder) is None:
        return None
    path = folder / STATE
    try:
        document = read_json(path)
        if document["format"] != FORMAT:
            return None
        return DevnetState(int(document["pid"]), tuple(PartState(**part) for part in document["parts"]))
    except FileNotFoundError:  # still starting, or just ending
        return None
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise DevnetStateDamaged(path, f"{type(error).__name__}: {error}") from error


def lock_folder(folder: Path) -> IO[str]:
    """Take `folder` for this process; closing the file gives it back, and so does the end of the process.

    Raises DevnetRunning: another process runs a devnet there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        file = _open_lock(folder, os.O_RDWR | os.O_CREAT)
        if try_lock(file.fileno()):
            file.write(f"{os.getpid():<20}")  # of one width and in one write: never half a number
            file.flush()
            return file
        with file:
            if time.monotonic() > deadline:
                raise DevnetRunning(folder, _pid_in(file, folder))
        time.sleep(0.01)  # `lock_holder` in another process holds it for an instant


def lock_holder(folder: Path) -> int | None:
    """Process id of the devnet in `folder`, up or on its way up or down; None if there is none."""
    try:
        with _open_lock(folder, os.O_RDONLY) as file:
            return None if try_lock(file.fileno(), fcntl.LOCK_SH) else _pid_in(file, folder)
    except FileNotFoundError:
        return None


def _pid_in(lock: IO[str], folder: Path) -> int:
    text = lock.read(64).strip()
    if not text.isascii() or not text.isdigit():
        raise DevnetStateDamaged(folder / LOCK, "it names no process")
    return int(text)


def _open_lock(folder: Path, flags: int) -> IO[str]:
    return os.fdopen(os.open(folder / LOCK, flags, 0o644), "r+" if flags & os.O_RDWR else "r")
