"""Files that are whole or absent."""

from __future__ import annotations

import os

import pytest

from qfl.files import write_atomically


def test_folders_are_made_and_bytes_are_there(tmp_path):
    path = tmp_path / "a" / "b" / "file"
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize(("mode", "umask"), [(0o600, 0o000), (0o644, 0o077)])
def test_mode_is_the_one_asked_for_whatever_the_umask(tmp_path, mode, umask):
    """A journal holds signatures before they are public: it must never be readable by others."""
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "file", b"new", mode)
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("failing", ["os.fsync", "os.fchmod", "pathlib.Path.replace"])
def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failing):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def disk_full(*_args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(failing, disk_full)
        with pytest.raises(OSError, match="No space"):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_data_is_on_disk_before_it_takes_the_name_and_the_name_before_returning(tmp_path, monkeypatch):
    """Renamed first and synced later, a power cut leaves an empty file under the right name."""
    steps = []
    fsync, replace = os.fsync, type(tmp_path).replace
    monkeypatch.setattr("os.fsync", lambda descriptor: (steps.append("sync"), fsync(descriptor)))
    monkeypatch.setattr("pathlib.Path.replace", lambda self, target: (steps.append("rename"), replace(self, target)))
    write_atomically(tmp_path / "file", b"new")
    assert steps == ["sync", "rename", "sync"]
