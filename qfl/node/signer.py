"""Signs each named thing once: the same digest gets the same signature back, another digest gets none."""

from __future__ import annotations

from pathlib import Path

from qfl.node.journal import Journal
from qfl.quorum.quorum import SigningKey

KEPT_ROUNDS = 64


class Signer:
    """A key with a memory. What it signed is on disk before the signature is handed out."""

    def __init__(self, key: SigningKey, journal_path: Path) -> None:
        self._key, self._journal = key, Journal(journal_path)

    @property
    def public(self) -> object:
        """The key that verifies what is signed here."""
        return self._key.public

    def sign_once(self, name: str, round_number: int, digest: bytes) -> bytes | None:
        """Sign `digest` under `name`; None when another digest was, or may have been, signed under it before.

        Raises:
            KeyExhausted.
        """
        if self._journal.get(name) is not None:
            return self.signed(name, digest)
        rounds = {known: int((self._journal.get(known) or {})["round"]) for known in self._journal.names()}
        forgotten = max(max(rounds.values(), default=0) - KEPT_ROUNDS - 1, self._journal.closed)
        if round_number <= forgotten:  # a chain node that lies about the time must not get a second signature
            return None
        signature = self._key.sign(digest)
        self._journal.put(name, round=round_number, digest=digest.hex(), signature=signature.hex())
        kept = {known for known in rounds if rounds[known] >= round_number - KEPT_ROUNDS}
        self._journal.keep({name, *kept})
        return signature

    def signed(self, name: str, digest: bytes) -> bytes | None:
        """The signature of `digest` that was given under `name`, if one was."""
        record = self._journal.get(name)
        return bytes.fromhex(record["signature"]) if record is not None and record["digest"] == digest.hex() else None

    def release(self, round_number: int) -> None:
        """Forget what was signed up to a round that is final; nothing more is signed for any of those."""
        self._journal.close(round_number)
        names = self._journal.names()
        self._journal.keep({name for name in names if int((self._journal.get(name) or {})["round"]) >= round_number})
