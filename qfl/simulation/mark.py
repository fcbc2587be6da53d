"""The mark of a folder that a run began, the lock on it while the run goes on, and the deletion of such folders alone.

A folder gets the mark while it is empty, so nothing that was there before can be in a marked one. Folders of version
0.1 have none; nothing in them tells for sure that all of it is a run's, so they are deleted by hand. A run locks the
mark (flock) for as long as it goes on; where one of version 0.1 is resumed, an empty file takes the mark's place.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qfl.devnet.state import lock_holder
from qfl.errors import DevnetRunning, InvalidInput, RunGoesOn
from qfl.files import open_regular

NAME = ".qfl-run"
CONTENT = b"qfl began this folder when it was empty: --overwrite deletes it, with all that is in it.\n"
LOG = "events.jsonl"  # the event log, which runs of every version have


@contextmanager
def hold_folder(folder: Path, *, overwrite: bool = False, resume: bool = False) -> Iterator[None]:
    """Begin a folder, or take one up, and keep other runs out of it; the end of the process, too, lets them in again.

    With `overwrite`, what an earlier run has left in it is deleted first: links in it are deleted, not followed.

    Raises InvalidInput, DevnetRunning, RunGoesOn: as `check_folder`; nothing is deleted or written then.
    """
    check_folder(folder, overwrite=overwrite, resume=resume)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InvalidInput("out", str(folder), "a file is in its place: choose another folder") from None
    descriptor = open_regular(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
    try:
        _lock(folder, descriptor, fcntl.LOCK_EX)
        _check_content(folder, overwrite, resume)  # again: another run may have come and gone before the lock was ours
        if overwrite:
            _empty(folder)
        if _is_new(folder):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, CONTENT, 0)
            os.fsync(descriptor)
        yield
    finally:
        os.close(descriptor)


def check_folder(folder: Path, *, overwrite: bool = False, resume: bool = False) -> None:
    """Make sure that `hold_folder` would take the folder, and delete nothing but what a run has left.

    Raises:
        InvalidInput: it holds something that is not to be deleted, nor to be written between; or a file is in its
            place; or nothing can be locked there.
        DevnetRunning, RunGoesOn: somebody is in it.
    """
    _check_content(folder, overwrite, resume)
    if (folder / NAME).exists():
        descriptor = open_regular(folder / NAME, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            _lock(folder, descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)


def _check_content(folder: Path, overwrite: bool, resume: bool) -> None:
    if overwrite and resume:
        raise InvalidInput("overwrite", True, "there would be nothing to --resume: leave one of them out")
    if overwrite and folder.is_symlink():
        raise InvalidInput("out", str(folder), "is a link, so it is not deleted: name the folder itself")
    if not folder.exists():
        return
    if not folder.is_dir():
        place = "is a file, so it is not deleted" if overwrite else "a file is in its place"
        raise InvalidInput("out", str(folder), f"{place}: choose another folder")
    if overwrite and not _is_new(folder):
        _check_removable(folder)
    elif not overwrite:
        _check_usable(folder, resume)


def _check_usable(folder: Path, resume: bool) -> None:
    events = folder / LOG
    if not resume and events.exists() and events.stat().st_size:  # an empty one is of a run that was refused
        raise InvalidInput("out", str(folder), "holds a run already: add --resume, or choose another folder")
    if not (_is_new(folder) or _is_marked(folder) or (resume and events.is_file())):
        raise InvalidInput("out", str(folder), "holds what is not of a run: choose another folder, or an empty one")


def _check_removable(folder: Path) -> None:
    if not _is_marked(folder):
        remedy = f"was not begun by a run of this version (it has no mark {NAME}), so it is not deleted"
        raise InvalidInput("out", str(folder), f"{remedy}: delete it by hand, or choose another folder")
    here, home, place = Path.cwd(), Path.home().resolve(), folder.resolve()
    if place in (here, *here.parents, home, *home.parents):
        raise InvalidInput("out", str(folder), "holds this or your home folder, so it is not deleted: choose another")
    if (holder := lock_holder(folder / "devnet")) is not None:
        raise DevnetRunning(folder / "devnet", holder)


def _lock(folder: Path, descriptor: int, kind: int) -> None:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RunGoesOn(folder) from None
    except OSError as error:
        remedy = f"cannot be locked ({error.strerror}): choose a folder on a file system with locks"
        raise InvalidInput("out", str(folder), remedy) from error


def _empty(folder: Path) -> None:
    """Delete what is in a folder, apart from the mark: it is locked, and what is half deleted can still be deleted."""
    for inside in folder.iterdir():
        if inside.name == NAME:
            continue
        if inside.is_dir() and not inside.is_symlink():
            shutil.rmtree(inside)
        else:
            inside.unlink()


def _is_new(folder: Path) -> bool:
    """Whether nothing is in it, apart from a mark or the beginning of one."""
    names = {path.name for path in folder.iterdir()}
    mark = _read_mark(folder)
    return not names or (names == {NAME} and mark is not None and CONTENT.startswith(mark))


def _is_marked(folder: Path) -> bool:
    return _read_mark(folder) == CONTENT


def _read_mark(folder: Path) -> bytes | None:
    """The first bytes of what is in the mark's place; None if that is no file."""
    mark = folder / NAME
    if mark.is_symlink() or not mark.is_file():
        return None
    with mark.open("rb") as file:
        return file.read(len(CONTENT) + 1)
