"""Key files: whatever happens to process, disk or file, no leaf signs twice."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qfl.crypto.keyfile import KeyFile
from qfl.crypto.lms import LmsSecret, leaf_of, verify
from qfl.errors import (
    InvalidInput,
    KeyExhausted,
    KeyFileBehind,
    KeyFileCorrupt,
    KeyFileExists,
    KeyFileExposed,
    KeyFileInUse,
    KeyFileMissing,
    KeyFileRolledBack,
)

DIGEST = b"d" * 32

SIGN_FOREVER = """
import sys
from pathlib import Path
from qfl.crypto.keyfile import KeyFile
from qfl.crypto.lms import leaf_of
with KeyFile.open(Path(sys.argv[1]), Path(sys.argv[2])) as key:
    while key.remaining:
        print(leaf_of(key.sign(bytes(32))), flush=True)
"""


@pytest.fixture(scope="session")
def pristine(tmp_path_factory) -> Path:
    """A fresh key file of 32 leaves; tests work on copies, each with its own leaf marks."""
    folder = tmp_path_factory.mktemp("pristine")
    KeyFile.create(folder / "key", 5, folder / "state").close()
    return folder / "key"


@pytest.fixture
def state(tmp_path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def path(pristine, tmp_path) -> Path:
    return shutil.copy2(pristine, tmp_path / "client.key")


def test_created_key_signs_from_leaf_zero_and_is_private(tmp_path, state):
    with KeyFile.create(tmp_path / "new.key", 5, state) as key:
        assert (key.next_leaf, key.remaining) == (0, 32)
        signature = key.sign(DIGEST)
        assert verify(key.public, DIGEST, signature)
        assert (leaf_of(signature), key.next_leaf, key.remaining) == (0, 1, 31)
    assert (tmp_path / "new.key").stat().st_mode & 0o777 == 0o600
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new.key", "state"]


def test_create_never_overwrites(path, state):
    before = path.read_bytes()
    with pytest.raises(KeyFileExists):
        KeyFile.create(path, 5, state)
    assert path.read_bytes() == before


def test_create_does_not_overwrite_a_key_that_appears_meanwhile(tmp_path, state, monkeypatch):
    path = tmp_path / "raced.key"
    generate = LmsSecret.generate

    def slow_generate(height: int) -> LmsSecret:
        path.write_bytes(b"theirs")
        return generate(height)

    monkeypatch.setattr(LmsSecret, "generate", slow_generate)
    with pytest.raises(KeyFileExists):
        KeyFile.create(path, 5, state)
    assert path.read_bytes() == b"theirs"


def test_reopened_key_goes_on_where_it_stopped(path, state):
    with KeyFile.open(path, state) as key:
        public = key.public
        assert [leaf_of(key.sign(DIGEST)) for _ in range(3)] == [0, 1, 2]
    with KeyFile.open(path, state) as key:
        assert key.public == public
        assert leaf_of(key.sign(DIGEST)) == 3


def test_exhausted_key_refuses_and_stays_exhausted(path, state):
    with KeyFile.open(path, state) as key:
        assert [leaf_of(key.sign(DIGEST)) for _ in range(32)] == list(range(32))
        with pytest.raises(KeyExhausted, match="32 leaves"):
            key.sign(DIGEST)
    with KeyFile.open(path, state) as key, pytest.raises(KeyExhausted):
        key.sign(DIGEST)


def test_killed_signer_repeats_no_leaf(tmp_path, state):
    path, seen = tmp_path / "long.key", []
    KeyFile.create(path, 10, state).close()
    for leaves_before_death in (1, 5, 13, 2, 21, 34, 3, 8):
        with subprocess.Popen(
            [sys.executable, "-c", SIGN_FOREVER, path, state], stdout=subprocess.PIPE, text=True
        ) as child:
            # Killed right after a leaf arrived, that is while it takes or uses one of the next.
            seen += [int(child.stdout.readline()) for _ in range(leaves_before_death)]
            child.send_signal(signal.SIGKILL)
            seen += [int(line) for line in child.stdout if line.endswith("\n")]
    with KeyFile.open(path, state) as key:
        seen.append(key.next_leaf)
    assert seen == sorted(set(seen))


@pytest.mark.parametrize("failing", ["pwrite", "fsync"])
def test_signature_leaves_only_after_its_leaf_is_on_disk(path, state, monkeypatch, failing):
    def disk_full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    with KeyFile.open(path, state) as key:
        with monkeypatch.context() as patch:
            patch.setattr(os, failing, disk_full)
            with pytest.raises(OSError, match="No space"):
                key.sign(DIGEST)
        assert leaf_of(key.sign(DIGEST)) == 1
    with KeyFile.open(path, state) as key:
        assert key.next_leaf == 2


def test_crash_between_file_and_mark_is_not_taken_for_a_rollback(path, state, monkeypatch):
    with KeyFile.open(path, state) as key:
        monkeypatch.setattr("qfl.crypto.keyfile.LeafMark.advance", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            key.sign(DIGEST)
        monkeypatch.undo()
    with KeyFile.open(path, state) as key:
        assert key.next_leaf == 1


def open_in_another_process(path: Path, state: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SIGN_FOREVER, path, state], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", ["client.key", "copy.key"])
def test_second_process_is_refused_with_the_file_or_a_copy_and_told_who_holds_the_key(path, state, tmp_path, name):
    if name != path.name:
        shutil.copy2(path, tmp_path / name)
    with KeyFile.open(path, state):
        refused = open_in_another_process(tmp_path / name, state)
    assert f"KeyFileInUse: {tmp_path / name} is in use by process {os.getpid()}" in refused.stderr


def test_same_file_with_other_leaf_marks_is_refused(path, state, tmp_path):
    with KeyFile.open(path, state), pytest.raises(KeyFileInUse, match="another process"):
        KeyFile.open(path, tmp_path / "elsewhere")
    KeyFile.open(path, tmp_path / "elsewhere").close()


def test_forked_child_cannot_sign(path, state):
    with KeyFile.open(path, state) as key:
        child = os.fork()
        if child == 0:
            try:
                key.sign(DIGEST)
            except KeyFileInUse:
                os._exit(7)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert leaf_of(key.sign(DIGEST)) == 0


def test_key_restored_from_a_backup_is_refused(path, state, tmp_path):
    backup = shutil.copy2(path, tmp_path / "backup.key")
    with KeyFile.open(path, state) as key:
        key.sign(DIGEST)
        key.sign(DIGEST)
    shutil.copy2(backup, path)
    with pytest.raises(KeyFileRolledBack, match="leaf 0, but leaves below 2 are used"):
        KeyFile.open(path, state)


def test_newest_copy_may_go_on(path, state, tmp_path):
    with KeyFile.open(path, state) as key:
        key.sign(DIGEST)
    moved = path.rename(tmp_path / "moved.key")
    with KeyFile.open(moved, state) as key:
        assert leaf_of(key.sign(DIGEST)) == 1


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o700])
def test_key_that_others_can_read_is_refused(path, state, mode):
    path.chmod(mode)
    with pytest.raises(KeyFileExposed, match=f"chmod 600 {path}"):
        KeyFile.open(path, state)


def flipped(data: bytes, offset: int) -> bytes:
    return data[:offset] + bytes([data[offset] ^ 1]) + data[offset + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: b'{"address": "0x00", "crypto": {}}', id="foreign JSON"),
        pytest.param(lambda data: data[:-1], id="truncated"),
        pytest.param(lambda data: data + b"\0", id="extended"),
        pytest.param(lambda data: bytes(len(data)), id="zeros"),
        pytest.param(lambda data: flipped(data, 0), id="magic"),
        pytest.param(lambda data: flipped(data, 4), id="version"),
        pytest.param(lambda data: flipped(data, 11), id="counter"),
        pytest.param(lambda data: flipped(data, 12), id="counter's check"),
        pytest.param(lambda data: flipped(data, 20), id="identifier"),
        pytest.param(lambda data: flipped(data, 40), id="seed"),
        pytest.param(lambda data: flipped(data, 500), id="tree"),
        pytest.param(lambda data: flipped(data, len(data) - 1), id="checksum"),
    ],
)
def test_damaged_or_foreign_file_is_refused(path, state, damage):
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(KeyFileCorrupt):
        KeyFile.open(path, state)


def test_folder_in_place_of_a_key_is_refused(tmp_path, state):
    with pytest.raises(KeyFileCorrupt, match="directory"):
        KeyFile.open(tmp_path, state)


def test_missing_key_says_how_to_make_one(tmp_path, state):
    with pytest.raises(KeyFileMissing, match="qfl key new"):
        KeyFile.open(tmp_path / "none.key", state)


def test_refused_open_leaves_the_key_usable(path, state):
    path.chmod(0o644)
    with pytest.raises(KeyFileExposed):
        KeyFile.open(path, state)
    path.chmod(0o600)
    KeyFile.open(path, state).close()


def test_closed_key_does_not_sign(path, state):
    key = KeyFile.open(path, state)
    key.close()
    key.close()
    with pytest.raises(ValueError, match="closed"):
        key.sign(DIGEST)


def test_only_digests_are_signed(path, state):
    with KeyFile.open(path, state) as key:
        with pytest.raises(InvalidInput, match="32 bytes"):
            key.sign(b"a whole message")
        assert key.next_leaf == 0


def test_marks_are_kept_in_the_users_state_folder(path, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    with KeyFile.open(path) as key:
        identifier = key.public.identifier.hex()
    assert [p.name for p in (tmp_path / "xdg" / "qflchain" / "keys").iterdir()] == [f"{identifier}.mark"]


def test_old_copy_beside_another_state_folder_is_told_by_what_others_have_seen(path, state, tmp_path):
    """Nothing on this machine knows that the leaf is used; the chain does."""
    backup = shutil.copy2(path, tmp_path / "backup.key")
    with KeyFile.open(path, state) as key:
        seen = leaf_of(key.sign(DIGEST)) + 1
        key.require_unseen(seen, "Staking")
    with KeyFile.open(backup, tmp_path / "another state") as old:
        with pytest.raises(KeyFileBehind, match=r"backup\.key would sign with leaf 0, but Staking has seen leaf 0"):
            old.require_unseen(seen, "Staking")
        assert old.next_leaf == 0
