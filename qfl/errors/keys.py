"""Keys, and what a role keeps on disk."""

from __future__ import annotations

from pathlib import Path

from qfl.errors.base import QflError


class KeyFileError(QflError):
    """A key file cannot be used."""

    exit_code = 5


class KeyFileMissing(KeyFileError):
    """There is no key file."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"no key file at {path}: make one with `qfl key new {path}`")
        self.path = path


class KeyFileExists(KeyFileError):
    """A key file would be overwritten."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists already: a key is never overwritten; choose another name")
        self.path = path


class KeyFileExposed(KeyFileError):
    """Others can read the key file, or own it."""

    def __init__(self, path: Path, mode: int) -> None:
        super().__init__(f"{path} has mode {mode:04o}: others could sign in your name; run `chmod 600 {path}`")
        self.path, self.mode = path, mode


class KeyFileInUse(KeyFileError):
    """Another process signs with this key."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is in use by {holder}: a leaf that signs twice gives the key away; stop that first")
        self.path, self.holder = path, holder


class KeyFileCorrupt(KeyFileError):
    """The file is not a key file."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is not a usable key file ({reason}): restore it only together with its counter")
        self.path, self.reason = path, reason


class KeyFileRolledBack(KeyFileError):
    """The file is older than what this key has signed: a restored backup, or a copy that was left behind."""

    def __init__(self, path: Path, next_leaf: int, mark: int) -> None:
        super().__init__(
            f"{path} would sign with leaf {next_leaf}, but leaves below {mark} are used: "
            "it is an old copy and would give the key away; use the newest copy, or rotate to a new key"
        )
        self.path, self.next_leaf, self.mark = path, next_leaf, mark


class KeyFileBehind(KeyFileError):
    """A contract has seen leaves that the file counts as unused: an old copy, where nothing else remembers that."""

    def __init__(self, path: Path, next_leaf: int, seen_leaf: int, contract: str) -> None:
        super().__init__(
            f"{path} would sign with leaf {next_leaf}, but {contract} has seen leaf {seen_leaf}: "
            "it is an old copy and would give the key away; use the newest copy, or join again with a new key"
        )
        self.path, self.next_leaf, self.seen_leaf, self.contract = path, next_leaf, seen_leaf, contract


class KeyExhausted(KeyFileError):
    """Every leaf has signed."""

    def __init__(self, path: Path, leaves: int) -> None:
        super().__init__(f"{path}: all {leaves} leaves have signed; rotate to a new key before the last one is used")
        self.path, self.leaves = path, leaves


class BlsKeyUnusable(KeyFileError):
    """A file with a BLS key is missing, exposed or damaged."""

    def __init__(self, path: Path, reason: str, remedy: str) -> None:
        super().__init__(f"{path} is not a usable attestation key ({reason}): {remedy}")
        self.path, self.reason, self.remedy = path, reason, remedy


class StateCorrupt(QflError):
    """A role's journal cannot be read."""

    exit_code = 5

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is damaged ({reason}): without it a message could be signed twice; restore it")
        self.path, self.reason = path, reason
