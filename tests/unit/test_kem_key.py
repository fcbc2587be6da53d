"""A validator's decryption key on disk: made once, private, whole or refused."""

from __future__ import annotations

import hashlib

import pytest

from qfl.crypto.kem import KemKey
from qfl.errors import KemKeyUnusable


def test_key_is_kept_and_found_again(tmp_path):
    made = KemKey.keep(tmp_path / "new" / "kem.key")
    found = KemKey.keep(tmp_path / "new" / "kem.key")
    assert found.public == made.public
    assert found.digest == hashlib.sha256(made.public).digest()


def test_two_keys_differ(tmp_path):
    assert KemKey.create(tmp_path / "one").public != KemKey.create(tmp_path / "two").public


def test_file_is_private_from_the_start_and_nothing_else_is_left(tmp_path):
    KemKey.create(tmp_path / "kem.key")
    assert [path.name for path in tmp_path.iterdir()] == ["kem.key"]
    assert (tmp_path / "kem.key").stat().st_mode & 0o777 == 0o600


def test_key_is_never_overwritten(tmp_path):
    """Updates sealed to the old one could not be read again."""
    before = KemKey.create(tmp_path / "kem.key").public
    with pytest.raises(KemKeyUnusable, match="exists already"):
        KemKey.create(tmp_path / "kem.key")
    assert KemKey.open(tmp_path / "kem.key").public == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o700])
def test_exposed_file_is_refused(tmp_path, mode):
    KemKey.create(tmp_path / "kem.key")
    (tmp_path / "kem.key").chmod(mode)
    with pytest.raises(KemKeyUnusable, match=f"mode {mode:04o}.*chmod 600"):
        KemKey.keep(tmp_path / "kem.key")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(KemKeyUnusable, match=r"absent.key is not a usable decryption key \(No such file"):
        KemKey.open(tmp_path / "absent.key")


def test_folder_is_no_key(tmp_path):
    tmp_path.chmod(0o600)
    try:
        with pytest.raises(KemKeyUnusable, match="not a regular file"):
            KemKey.open(tmp_path)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("position", [0, 4, 5, 8, 71, 72, 103])
def test_damaged_file_is_refused(tmp_path, position):
    """A seed with one flipped bit is a good key for nobody's updates."""
    path = tmp_path / "kem.key"
    KemKey.create(path)
    data = path.read_bytes()
    path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
    with pytest.raises(KemKeyUnusable, match=r"unknown format|checksum"):
        KemKey.open(path)


@pytest.mark.parametrize("change", [lambda data: b"", lambda data: data[:-1], lambda data: data + b"\0"])
def test_file_of_another_length_is_refused(tmp_path, change):
    path = tmp_path / "kem.key"
    KemKey.create(path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(KemKeyUnusable, match="unknown format"):
        KemKey.open(path)
