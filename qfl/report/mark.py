"""The mark of a folder that a run began, and the deletion of such folders: of no other, whatever lies in it.

A folder gets the mark while it is empty, so nothing that was there before can be in a marked one. Folders of version
0.1 have none; nothing in them tells for sure that all of it is a run's, so they are deleted by hand.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from qfl.devnet.state import lock_holder
from qfl.errors import DevnetRunning, InvalidInput
from qfl.files import write_atomically

NAME = ".qfl-run"
CONTENT = b"qfl began this folder when it was empty: --overwrite deletes it, with all that is in it.\n"


def begin_folder(folder: Path) -> None:
    """Make a folder, and mark it if nothing is in it yet.

    Raises:
        InvalidInput: a file is in its place.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InvalidInput("out", str(folder), "a file is in its place: choose another folder") from None
    if not any(folder.iterdir()):
        write_atomically(folder / NAME, CONTENT)


def check_removable(folder: Path) -> None:
    """Make sure that `remove_folder` would delete nothing but what a run has left.

    Raises:
        InvalidInput: the folder is not marked, is a link, or is one that somebody is in.
        DevnetRunning: a run goes on in it.
    """
    if folder.is_symlink():
        raise InvalidInput("out", str(folder), "is a link, so it is not deleted: name the folder itself")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InvalidInput("out", str(folder), "is a file, so it is not deleted: choose another folder")
    if not any(folder.iterdir()):
        return
    if not _is_marked(folder):
        remedy = f"was not begun by a run of this version (it has no {NAME}), so it is not deleted"
        raise InvalidInput("out", str(folder), f"{remedy}: delete it by hand, or choose another folder")
    here, home, place = Path.cwd(), Path.home().resolve(), folder.resolve()
    if place in (here, *here.parents, home, *home.parents):
        raise InvalidInput("out", str(folder), "holds this or your home folder, so it is not deleted: choose another")
    if (holder := lock_holder(folder / "devnet")) is not None:
        raise DevnetRunning(folder / "devnet", holder)


def remove_folder(folder: Path) -> None:
    """Delete a marked folder; nothing happens where there is none. Links in it are deleted, not followed.

    Raises:
        InvalidInput, DevnetRunning: as `check_removable`; nothing is deleted then.
    """
    check_removable(folder)
    if not folder.exists():
        return
    # The mark goes last: what was begun to be deleted can still be deleted.
    for inside in sorted(folder.iterdir(), key=lambda path: path.name == NAME):
        if inside.is_dir() and not inside.is_symlink():
            shutil.rmtree(inside)
        else:
            inside.unlink()
    folder.rmdir()


def _is_marked(folder: Path) -> bool:
    mark = folder / NAME
    return (
        mark.is_file()
        and not mark.is_symlink()
        and mark.stat().st_size == len(CONTENT)
        and mark.read_bytes() == CONTENT
    )
