"""A run's folder: the mark of one that a run began, the lock on it, its deletion; the job and the devnet left in it.

A folder gets the mark while it is empty, so nothing that was there before can be in a marked one. Folders of version
0.1 have none; nothing in them tells for sure that all of it is a run's, so they are deleted by hand. A run locks the
mark (flock) for as long as it goes on; where one of version 0.1 is resumed, an empty file takes the mark's place.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from qfl.bounds import MOST_PARTICIPANTS, check_choice, check_whole
from qfl.chain.parameters import load_parameters
from qfl.devnet.config import ChainKind, DevnetConfig
from qfl.devnet.state import lock_holder
from qfl.errors import DevnetRunning, InvalidInput, RunGoesOn
from qfl.files import open_regular, read_json, write_atomically
from qfl.simulation.config import CHAINS, JobConfig

MARK = ".qfl-run"
MARK_CONTENT = b"qfl began this folder when it was empty: --overwrite deletes it, with all that is in it.\n"
LOG = "events.jsonl"  # the event log, which runs of every version have
CHAIN_FILE = "chain.json"
"""Says which program keeps the run's chain, so that it can be started again on the same state."""


def new_devnet(
    folder: Path, job: JobConfig, with_chain: bool = True, with_ipfs: bool = True, real_time: bool = False
) -> DevnetConfig:
    """The development network that a run of `job` starts in its folder.

    In real time the chain mines every second: with no block, its clock would stand still between transactions.
    """
    accounts = 1 + job.identities + job.validators
    if with_chain:
        kept = {"chain": job.chain, "accounts": accounts, "shardChains": count_shard_chains(job)}
        write_atomically(folder / CHAIN_FILE, json.dumps(kept).encode())
    return DevnetConfig(
        folder / "devnet",
        cast(ChainKind, job.chain),  # `JobConfig` has checked it
        block_time=1 if real_time else None,
        accounts=accounts,
        with_chain=with_chain,
        with_ipfs=with_ipfs,
        shard_chains=count_shard_chains(job),
    )


def count_shard_chains(job: JobConfig) -> int:
    """How many chains a job has beside the beacon's: one for each shard, or none."""
    return load_parameters(**job.parameters()).rounds["shards"] if job.shard_chains else 0


def kept_devnet(folder: Path, with_chain: bool = True, with_ipfs: bool = True) -> DevnetConfig:
    """The development network that a run left in its folder, to be started again.

    Raises InvalidInput: the run used a chain of somebody else's, or what it wrote of its own is damaged.
    """
    path = folder / CHAIN_FILE
    if with_chain and not path.exists():
        raise InvalidInput("run", str(folder), "has no chain of its own; pass --rpc, and --ipfs where it is asked for")
    if not with_chain:
        return DevnetConfig(folder / "devnet", with_chain=False, with_ipfs=with_ipfs)
    try:
        kept = read_json(path)
        check_choice("chain", kept["chain"], CHAINS)
        check_whole("accounts", kept["accounts"], 1, 1 + 3 * MOST_PARTICIPANTS)
        check_whole("shardChains", kept["shardChains"], 0, MOST_PARTICIPANTS)
    except (OSError, ValueError, TypeError, KeyError, InvalidInput) as error:
        raise InvalidInput("run", str(folder), f"its {CHAIN_FILE} is damaged ({error!r}): run it again") from error
    counts = {"accounts": kept["accounts"], "shard_chains": kept["shardChains"]}
    return DevnetConfig(folder / "devnet", kept["chain"], with_ipfs=with_ipfs, **counts)


def kept_config(folder: Path) -> JobConfig:
    """The job that a run's report says it was. Raises InvalidInput: there is no report, or not one of this version."""
    try:
        return job_of(read_json(folder / "report.json"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput("run", str(folder), f"has no report of a job ({error}): name a finished run") from error


def job_of(report: Any) -> JobConfig:
    """The job in what a `report.json` holds. Raises InvalidInput, or KeyError, TypeError: it is no report."""
    written = report["config"]
    known = {setting.name: written[setting.name] for setting in fields(JobConfig) if setting.name in written}
    return JobConfig(**{**known, "classes": tuple(known.get("classes", ()))})


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
    descriptor = open_regular(folder / MARK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
    try:
        _lock(folder, descriptor, fcntl.LOCK_EX)
        _check_content(folder, overwrite, resume)  # again: another run may have come and gone before the lock was ours
        if overwrite:
            _empty(folder)
        if _is_new(folder):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, MARK_CONTENT, 0)
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
    if (folder / MARK).exists():
        descriptor = open_regular(folder / MARK, os.O_RDONLY | os.O_NOFOLLOW)
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
        remedy = f"was not begun by a run of this version (it has no mark {MARK}), so it is not deleted"
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
        if inside.name == MARK:
            continue
        if inside.is_dir() and not inside.is_symlink():
            shutil.rmtree(inside)
        else:
            inside.unlink()


def _is_new(folder: Path) -> bool:
    """Whether nothing is in it, apart from a mark or the beginning of one."""
    names = {path.name for path in folder.iterdir()}
    mark = _read_mark(folder)
    return not names or (names == {MARK} and mark is not None and MARK_CONTENT.startswith(mark))


def _is_marked(folder: Path) -> bool:
    return _read_mark(folder) == MARK_CONTENT


def _read_mark(folder: Path) -> bytes | None:
    """The first bytes of what is in the mark's place; None if that is no file."""
    mark = folder / MARK
    if mark.is_symlink() or not mark.is_file():
        return None
    with mark.open("rb") as file:
        return file.read(len(MARK_CONTENT) + 1)
