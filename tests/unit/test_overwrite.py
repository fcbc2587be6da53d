"""A run writes into a folder of its own: it deletes what a run has left, and nothing else, and keeps others out."""

import errno
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from commands import require_one_line, run_command

from qfl.devnet.state import lock_folder
from qfl.errors import DevnetRunning, InvalidInput, RunGoesOn
from qfl.simulation.folder import MARK, check_folder, hold_folder

COMMANDS = {
    "run": ("run", "."),
    "energy": ("bench energy", "."),
    "explorer": ("bench explorer", "."),
    "modes": ("bench modes", "private"),
    "chaos": ("bench chaos", "chaos"),
    "storage": ("bench storage", "window"),
}
"""Every command that takes `--overwrite`, and the last folder under --out that it would delete."""
HOLDER = """
import sys
from pathlib import Path
from qfl.simulation.folder import hold_folder
with hold_folder(Path(sys.argv[1]), resume=True):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that a run began, with something in it."""
    folder = tmp_path / "run"
    with hold_folder(folder):
        pass
    (folder / "roles").mkdir()
    (folder / "roles" / "key.lms").touch()
    (folder / "events.jsonl").touch()
    return folder


@pytest.fixture
def treasure(tmp_path: Path) -> Path:
    """A folder of somebody's that looks like a run's: it holds a devnet, and even what version 0.1 wrote."""
    folder = tmp_path / "treasure"
    (folder / "devnet").mkdir(parents=True)
    for name in ("thesis.tex", "events.jsonl", "deployment.json"):
        (folder / name).touch()
    return folder


@contextmanager
def run_in(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a folder as a run does."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], **pipes) as process:
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def begin_anew(folder: Path) -> None:
    """What a command does with `--overwrite`."""
    with hold_folder(folder, overwrite=True):
        pass


def test_a_folder_that_a_run_began_is_deleted_whole(folder: Path) -> None:
    begin_anew(folder)
    assert [path.name for path in folder.iterdir()] == [MARK]
    begin_anew(folder)  # nothing is there: nothing to do


@pytest.mark.parametrize("goes_on", [False, True], ids=["no mark", "a run goes on"])
@pytest.mark.parametrize(("command", "inner"), COMMANDS.values(), ids=COMMANDS)
def test_every_command_spares_what_is_not_of_a_run_or_of_one_that_goes_on(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    command: str,
    inner: str,
    goes_on: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With --rpc and --ipfs a run has no devnet in its folder, whose lock would tell."""
    out = tmp_path / "out"
    place = out / inner
    shutil.copytree(request.getfixturevalue("folder" if goes_on else "treasure"), place)
    before = sorted(out.rglob("*"))
    with run_in(place) if goes_on else nullcontext():
        done = run_command(capsys, *command.split(), "--out", str(out), "--overwrite")
    expected = (7, f"a run goes on in {place}") if goes_on else (2, "delete it by hand")
    assert expected[1] in require_one_line(done, expected[0])
    assert sorted(out.rglob("*")) == before


def test_what_was_there_before_a_run_never_gets_the_mark(treasure: Path) -> None:
    with pytest.raises(InvalidInput, match="not of a run"), hold_folder(treasure):
        pass
    assert not (treasure / MARK).exists()
    with hold_folder(treasure, resume=True):  # as if it were a run of version 0.1
        pass
    with pytest.raises(InvalidInput, match="not begun by a run of this version"):
        begin_anew(treasure)


@pytest.mark.parametrize("content", [b"", b"something else"], ids=["empty", "other"])
def test_a_file_that_has_only_the_marks_name_is_none(folder: Path, content: bytes) -> None:
    (folder / MARK).write_bytes(content)
    with pytest.raises(InvalidInput, match="not begun by a run of this version"):
        begin_anew(folder)


def test_a_link_to_a_mark_is_none(folder: Path, treasure: Path) -> None:
    (treasure / MARK).symlink_to(folder / MARK)
    with pytest.raises(InvalidInput, match="not begun by a run of this version"):
        begin_anew(treasure)


def test_a_link_to_a_run_is_refused(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "latest"
    link.symlink_to(folder)
    with pytest.raises(InvalidInput, match="is a link"):
        begin_anew(link)
    assert (folder / "events.jsonl").exists()


def test_links_in_a_run_are_not_followed(folder: Path, treasure: Path) -> None:
    (folder / "data").symlink_to(treasure)
    (folder / "roles" / "data").symlink_to(treasure)
    begin_anew(folder)
    assert (treasure / "thesis.tex").exists()


@pytest.mark.parametrize("where", ["", "inside/deeper"])
def test_a_folder_that_one_stands_in_is_refused(folder: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "inside" / "deeper").mkdir(parents=True)
    monkeypatch.chdir(folder / where)
    with pytest.raises(InvalidInput, match="holds this or your home folder"):
        begin_anew(folder)


def test_a_folder_with_the_home_folder_in_it_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "roles"))
    with pytest.raises(InvalidInput, match="holds this or your home folder"):
        check_folder(folder, overwrite=True)


def test_a_run_that_goes_on_is_not_deleted(folder: Path) -> None:
    with lock_folder(folder / "devnet"), pytest.raises(DevnetRunning):
        check_folder(folder, overwrite=True)


@pytest.mark.parametrize(
    "fault",
    [
        ["--validators", "1"],
        ["--clients", "0"],
        ["--account", "nobody"],
        ["--config", "none.toml"],
        ["--partition", "classes:11"],
        ["--resume"],
    ],
    ids=" ".join,
)
def test_nothing_is_deleted_for_a_run_that_cannot_begin(
    folder: Path, fault: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(folder.rglob("*"))
    require_one_line(run_command(capsys, "run", "--out", str(folder), "--overwrite", *fault), 2)
    assert sorted(folder.rglob("*")) == before


def test_a_file_is_not_taken_for_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "file"
    path.touch()
    for arguments in (["--overwrite"], []):
        line = require_one_line(run_command(capsys, "run", "--out", str(path), *arguments), 2)
        assert "file" in line
    assert path.is_file()


def test_a_run_is_not_resumed_while_it_goes_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with run_in(folder):
        require_one_line(run_command(capsys, "run", "--out", str(folder), "--resume"), 7)


def test_a_run_of_version_0_1_is_held_too(treasure: Path) -> None:
    with run_in(treasure), pytest.raises(RunGoesOn):
        check_folder(treasure, resume=True)


def test_a_run_that_was_killed_can_be_deleted(folder: Path) -> None:
    with run_in(folder) as process:
        process.kill()
        process.wait()
        begin_anew(folder)
    assert not (folder / "roles").exists()


def test_nobody_gets_in_while_a_folder_is_emptied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock on a file that is deleted, too, is no lock."""
    rmtree, refused = shutil.rmtree, []

    def emptied(path: Path) -> None:
        rmtree(path)
        with pytest.raises(RunGoesOn):
            check_folder(folder, overwrite=True)
        refused.append(path)

    monkeypatch.setattr("shutil.rmtree", emptied)
    with hold_folder(folder, overwrite=True), pytest.raises(RunGoesOn):
        refused.append(folder)
        check_folder(folder, overwrite=True)
    assert refused == [folder / "roles", folder]


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unlocked(*_arguments: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unlocked)
    with pytest.raises(InvalidInput, match="file system with locks"), hold_folder(tmp_path):
        pass


@pytest.mark.parametrize("options", [[], ["--resume"]], ids=" ".join)
def test_a_run_does_not_write_between_what_is_somebodys(
    tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.json").write_text("mine")
    line = require_one_line(run_command(capsys, "run", "--out", str(tmp_path), *options), 2)
    assert "choose another folder" in line
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
