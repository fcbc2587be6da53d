"""Private mode: seals, proving keys, proofs."""

from __future__ import annotations

from pathlib import Path

from qfl.errors.base import QflError
from qfl.errors.keys import KeyFileError


class KemKeyUnusable(KeyFileError):
    """A file with an ML-KEM key is missing, exposed or damaged."""

    def __init__(self, path: Path, reason: str, remedy: str) -> None:
        super().__init__(f"{path} is not a usable decryption key ({reason}): {remedy}")
        self.path, self.reason, self.remedy = path, reason, remedy


class ZkExtraMissing(QflError):
    """What proves, or what checks proofs, is not installed."""

    exit_code = 2

    def __init__(self, reason: str) -> None:
        super().__init__(f"private mode needs the extra zk ({reason}): pip install 'qflchain[zk]'")
        self.reason = reason


class ProofFailed(QflError):
    """No proof could be made."""

    exit_code = 6

    def __init__(self, reason: str) -> None:
        super().__init__(f"no norm proof: {reason}")
        self.reason = reason


class NormKeyError(QflError):
    """The norm circuit's keys cannot be used."""

    exit_code = 5


class NormKeysMissing(NormKeyError):
    """A folder has no keys of the norm circuit."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"no keys of the norm circuit in {folder}: make them with `qfl zk setup --lanes N --out {folder}`"
        )
        self.folder = folder


class NormKeysExist(NormKeyError):
    """Keys would be overwritten; the contracts that hold their digest would accept no proof any more."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} has keys of the norm circuit already: choose another folder")
        self.folder = folder


class NormKeysMalformed(NormKeyError):
    """A verifying key that is not one of the norm circuit."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a verifying key of the norm circuit: {reason}; import it again, or ask who made it")
        self.reason = reason


class NormKeysMismatch(NormKeyError):
    """Keys belong to another verifier than the deployment's."""

    names_hashes = True

    def __init__(self, folder: Path, found: str, expected: str) -> None:
        super().__init__(
            f"the keys in {folder} have digest {found}, on chain it is {expected}: "
            "pass --zk-keys with the keys that this deployment was made with"
        )
        self.folder, self.found, self.expected = folder, found, expected
