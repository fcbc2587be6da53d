"""What a role has promised, on disk before it is said: a restarted role says the same again, never something else."""

import json
import logging
from pathlib import Path
from typing import Any

from qfl.crypto.keyfile import KeyFile
from qfl.errors import StateCorrupt
from qfl.files import read_json, write_atomically
from qfl.protocol.types import RoundNumber

log = logging.getLogger(__name__)

JOURNAL = "journal.json"
CLOSED = "released"
"""The record that says up to which round nothing is promised any more; it is none of the names."""
KEPT_ROUNDS = 64


class Journal:
    """A small durable mapping of names to JSON records. Bytes are kept as hex by the caller."""

    def __init__(self, path: Path) -> None:
        """Open or begin the journal at `path`. Raises StateCorrupt: the file is damaged."""
        self._path = path
        self._entries: dict[str, dict[str, Any]] = {}
        if path.exists():
            try:
                entries = read_json(path)
            except (OSError, ValueError) as error:
                raise StateCorrupt(path, str(error)) from error
            if not isinstance(entries, dict) or not all(isinstance(record, dict) for record in entries.values()):
                raise StateCorrupt(path, "not a journal")
            self._entries = entries

    def get(self, name: str) -> dict[str, Any] | None:
        """The record under `name`, if there is one."""
        return self._entries.get(name)

    def put(self, name: str, **record: Any) -> None:
        """Keep a record; it is on disk when this returns."""
        self._write({**self._entries, name: record})

    def keep(self, names: set[str]) -> None:
        """Forget every record that is not in `names`."""
        if self.names() - names:
            self._write({name: record for name, record in self._entries.items() if name in {CLOSED, *names}})

    def names(self) -> set[str]:
        return self._entries.keys() - {CLOSED}

    @property
    def is_new(self) -> bool:
        """True until something is kept, or a round closed."""
        return not self._entries

    @property
    def closed(self) -> int:
        """The last round that nothing is promised for any more, nor for those before it; -1 for none."""
        return int(self._entries.get(CLOSED, {"round": -1})["round"])

    def close(self, round_number: int) -> None:
        """Promise nothing more for the rounds up to this one, also after a restart."""
        self.put(CLOSED, round=max(round_number, self.closed))

    def _write(self, entries: dict[str, dict[str, Any]]) -> None:
        write_atomically(self._path, json.dumps(entries, indent=1).encode(), mode=0o600)
        # Only now: what a full disk did not take must not be handed out as if it were kept.
        self._entries = entries


def begin_journal(path: Path, key: KeyFile, current: RoundNumber) -> None:
    """Begin a journal unless there is one. It is on disk before its key's first signature.

    So a key that has signed had one, and what that said is not known any more: the rounds up to `current` are closed,
    for somebody may still hold a signature that was made for one of them. Raises StateCorrupt.
    """
    journal = Journal(path)
    if not journal.is_new:
        return
    if key.next_leaf == 0:
        journal.close(journal.closed)
        return
    log.warning(
        "%s is missing or empty, and its key has signed: what was said up to round %d is not known, so nothing is said "
        "in these rounds; the next one is taken part in",
        path,
        current,
    )
    journal.close(current)


class Signer:
    """A key with a memory. What it signed is on disk before the signature is handed out."""

    def __init__(self, key: KeyFile, journal_path: Path) -> None:
        self._key, self._journal = key, Journal(journal_path)

    @property
    def public(self) -> object:
        return self._key.public

    def sign_once(self, name: str, round_number: int, digest: bytes) -> bytes | None:
        """Sign `digest` under `name`; None when another digest was, or may have been, signed under it before.

        Raises KeyExhausted.
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

    def note_once(self, name: str, round_number: int, digest: bytes) -> bool:
        """Promise a digest under `name`, on disk, without a signature; False where another one was."""
        if self.has_signed_other(name, digest):
            return False
        if self._journal.get(name) is None:
            self._journal.put(name, round=round_number, digest=digest.hex(), signature="")
        return True

    def has_signed_other(self, name: str, digest: bytes) -> bool:
        """Whether another digest than this was signed under `name`."""
        record = self._journal.get(name)
        return record is not None and record["digest"] != digest.hex()

    def release(self, round_number: int) -> None:
        """Forget what was signed up to a round that is final; nothing more is signed for any of those."""
        self._journal.close(round_number)
        names = self._journal.names()
        self._journal.keep({name for name in names if int((self._journal.get(name) or {})["round"]) >= round_number})
