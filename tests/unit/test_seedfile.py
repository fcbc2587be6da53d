"""Keys made of a seed, on disk: made once, private, whole or refused."""

import hashlib

import pytest

from qfl.crypto.hash_chain import LinkSeed
from qfl.crypto.kem import KemKey


@pytest.fixture(params=[KemKey, LinkSeed])
def kind(request):
    return request.param


def public(key):
    """What others know of it."""
    return key.public if isinstance(key, KemKey) else key.chain(1, "0x" + "11" * 20, bytes(16)).anchor


@pytest.fixture
def path(tmp_path, kind):
    """A new key's file."""
    kind.create(tmp_path / "a.key")
    return tmp_path / "a.key"


def test_key_is_kept_and_found_again_and_two_differ(tmp_path, kind):
    made = kind.keep(tmp_path / "new" / "a.key")
    assert public(kind.keep(tmp_path / "new" / "a.key")) == public(made)
    assert public(kind.create(tmp_path / "other.key")) != public(made)


def test_decryption_key_is_named_by_the_digest_of_its_public_key():
    key = KemKey(bytes(64))
    assert key.digest == hashlib.sha256(key.public).digest()


def test_file_is_private_from_the_start_and_nothing_else_is_left(path):
    assert [found.name for found in path.parent.iterdir()] == ["a.key"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_key_is_never_overwritten(path, kind):
    """Updates sealed to the old one could not be read again."""
    before = public(kind.open(path))
    with pytest.raises(kind.unusable, match="exists already"):
        kind.create(path)
    assert public(kind.open(path)) == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o700])
def test_exposed_file_is_refused(path, kind, mode):
    path.chmod(mode)
    with pytest.raises(kind.unusable, match=f"mode {mode:04o}.*{kind.danger}; run `chmod 600"):
        kind.keep(path)


def test_missing_file_is_named(tmp_path, kind):
    with pytest.raises(kind.unusable, match=r"absent.key is not a usable .* \(No such file"):
        kind.open(tmp_path / "absent.key")


def test_folder_is_no_key(tmp_path, kind):
    tmp_path.chmod(0o600)
    try:
        with pytest.raises(kind.unusable, match="not a regular file"):
            kind.open(tmp_path)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("position", [0, 4, 5, 8, 39, -33, -32, -1])
def test_damaged_file_is_refused(path, kind, position):
    """A seed with one flipped bit is a good key for nobody's updates."""
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    with pytest.raises(kind.unusable, match=r"unknown format|checksum"):
        kind.open(path)


@pytest.mark.parametrize(
    "change",
    [lambda data: b"", lambda data: data[:-1], lambda data: data + b"\0", lambda data: b"QFLX" + data[4:]],
    ids=["empty", "short", "long", "another kind"],
)
def test_file_of_another_form_is_refused(path, kind, change):
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(kind.unusable, match="unknown format"):
        kind.open(path)
