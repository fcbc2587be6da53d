"""Files that are whole or absent."""

import os
import stat

import pytest
from commands import require_one_line, run_command

from qfl.files import NotARegularFile, read_json, read_json_lines, read_toml, write_atomically


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


@pytest.fixture(params=["pipe", "terminal", "full disk"])
def device(request, tmp_path):
    """Something that is no file, under a name in a folder of the test's."""
    path = tmp_path / "device"
    if request.param == "pipe":
        os.mkfifo(path)
        yield path
    elif request.param == "terminal":
        ours, theirs = os.openpty()
        path.symlink_to(os.ttyname(theirs))
        yield path
        os.close(ours)
        os.close(theirs)
    else:
        try:
            os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 7))
        except PermissionError:
            pytest.skip("only root makes devices")
        yield path


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_what_is_no_file_is_not_replaced(device, mode):
    before = device.lstat()
    with pytest.raises(NotARegularFile):
        write_atomically(device, b"new", mode)
    assert device.lstat().st_ino == before.st_ino
    assert [entry.name for entry in device.parent.iterdir()] == ["device"]


@pytest.mark.parametrize("there", [True, False], ids=["to a file", "to nothing yet"])
def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path, there):
    (tmp_path / "far").mkdir()
    file, link = tmp_path / "far" / "file", tmp_path / "link"
    if there:
        file.write_bytes(b"old")
    link.symlink_to(file)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert file.read_bytes() == b"new"
    assert [entry.name for entry in (tmp_path / "far").iterdir()] == ["file"]


def test_what_others_may_not_read_is_not_written_through_a_link(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(NotARegularFile):
        write_atomically(tmp_path / "link", b"new", 0o600)
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize("read", [read_json, read_json_lines, read_toml])
def test_a_pipe_is_not_awaited(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotARegularFile):
        read(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("command", "exit_code"),
    [
        ("inspect round 1 --rpc http://127.0.0.1:9 --deployment", 3),
        ("run --config", 2),
        ("key show", 5),
    ],
)
def test_a_pipe_as_a_commands_file_ends_in_one_line(tmp_path, command, exit_code, capsys):
    os.mkfifo(tmp_path / "pipe", 0o600)
    line = require_one_line(run_command(capsys, *command.split(), str(tmp_path / "pipe")), exit_code)
    assert "not a regular file" in line


def test_a_link_to_a_file_is_read(tmp_path):
    (tmp_path / "file").write_text("[1]")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_json(tmp_path / "link") == [1]
