"""Signs each named thing once: the same digest gets the same signature back, another digest gets none."""

from __future__ import annotations

from pathlib import Path

from qfl.keys.keyfile import KeyFile
from qfl.roles.journal import Journal

KEPT_ROUNDS = 64


class Signer:
    """A key with a memory. What it signed is on disk before the signature is handed out."""

    def __init__(self, key: KeyFile, journal_path: Path) -> None:
        self._key, self._journal = key, Journal(journal_path)

    def sign_once(self, name: str, round_number: int, digest: bytes) -> bytes | None:
        """Sign `digest` under `name`; None when another digest was signed under it before.

        Raises:
            KeyExhausted.
        """
        record = self._journal.get(name)
        if record is None:
            signature = self._key.sign(digest)
            self._journal.put(name, round=round_number, digest=digest.hex(), signature=signature.hex())
            self._forget_before(round_number - KEPT_ROUNDS)
            return signature
        return bytes.fromhex(record["signature"]) if record["digest"] == digest.hex() else None

    def _forget_before(self, round_number: int) -> None:
        kept = {name for name in self._journal.names() if self._record_round(name) >= round_number}
        self._journal.keep(kept)

    def _record_round(self, name: str) -> int:
        return int((self._journal.get(name) or {})["round"])
