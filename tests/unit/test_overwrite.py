"""`--overwrite` deletes what a run has left, and nothing else, whatever a folder looks like."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from commands import require_one_line, run_command

from qfl.devnet.state import lock_folder
from qfl.errors import DevnetRunning, InvalidInput
from qfl.report.mark import NAME, begin_folder, check_removable, remove_folder

COMMANDS = {
    "run": ("run", "."),
    "energy": ("bench energy", "."),
    "explorer": ("bench explorer", "."),
    "modes": ("bench modes", "private"),
    "chaos": ("bench chaos", "chaos"),
    "storage": ("bench storage", "window"),
}
"""Every command that takes `--overwrite`, and the last folder under --out that it would delete."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that a run began, with something in it."""
    folder = tmp_path / "run"
    begin_folder(folder)
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


def test_a_folder_that_a_run_began_is_deleted_whole(folder: Path) -> None:
    remove_folder(folder)
    assert not folder.exists()
    remove_folder(folder)  # nothing is there: nothing to do


@pytest.mark.parametrize(("command", "inner"), COMMANDS.values(), ids=COMMANDS)
def test_a_folder_without_the_mark_is_refused_by_every_command(
    treasure: Path, tmp_path: Path, command: str, inner: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    place = out / inner
    shutil.copytree(treasure, place)
    before = sorted(place.rglob("*"))
    line = require_one_line(run_command(capsys, *command.split(), "--out", str(out), "--overwrite"), 2)
    assert "delete it by hand" in line
    assert sorted(place.rglob("*")) == before


def test_what_was_there_before_a_run_never_gets_the_mark(treasure: Path) -> None:
    begin_folder(treasure)
    assert not (treasure / NAME).exists()


@pytest.mark.parametrize("content", [b"", b"something else"], ids=["empty", "other"])
def test_a_file_that_has_only_the_marks_name_is_none(folder: Path, content: bytes) -> None:
    (folder / NAME).write_bytes(content)
    with pytest.raises(InvalidInput, match="not begun by a run of this version"):
        remove_folder(folder)


def test_a_link_to_a_mark_is_none(folder: Path, treasure: Path) -> None:
    (treasure / NAME).symlink_to(folder / NAME)
    with pytest.raises(InvalidInput, match="not begun by a run of this version"):
        remove_folder(treasure)


def test_a_link_to_a_run_is_refused(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "latest"
    link.symlink_to(folder)
    with pytest.raises(InvalidInput, match="is a link"):
        remove_folder(link)
    assert (folder / "events.jsonl").exists()


def test_links_in_a_run_are_not_followed(folder: Path, treasure: Path) -> None:
    (folder / "data").symlink_to(treasure)
    (folder / "roles" / "data").symlink_to(treasure)
    remove_folder(folder)
    assert (treasure / "thesis.tex").exists()


@pytest.mark.parametrize("where", ["", "inside/deeper"])
def test_a_folder_that_one_stands_in_is_refused(folder: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "inside" / "deeper").mkdir(parents=True)
    monkeypatch.chdir(folder / where)
    with pytest.raises(InvalidInput, match="holds this or your home folder"):
        remove_folder(folder)


def test_a_folder_with_the_home_folder_in_it_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "roles"))
    with pytest.raises(InvalidInput, match="holds this or your home folder"):
        check_removable(folder)


def test_a_run_that_goes_on_is_not_deleted(folder: Path) -> None:
    with lock_folder(folder / "devnet"), pytest.raises(DevnetRunning):
        check_removable(folder)


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
