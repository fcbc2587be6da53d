"""What a role has promised, on disk before it is said: a restarted role says the same again, never something else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qfl.errors import StateCorrupt
from qfl.files import write_atomically


class Journal:
    """A small durable mapping of names to JSON records. Bytes are kept as hex by the caller."""

    def __init__(self, path: Path) -> None:
        """Open or begin the journal at `path`.

        Raises:
            StateCorrupt: the file is damaged.
        """
        self._path = path
        self._entries: dict[str, dict[str, Any]] = {}
        if path.exists():
            try:
                self._entries = dict(json.loads(path.read_text()))
            except (OSError, ValueError) as error:
                raise StateCorrupt(path, str(error)) from error

    def get(self, name: str) -> dict[str, Any] | None:
        """The record under `name`, if there is one."""
        return self._entries.get(name)

    def put(self, name: str, **record: Any) -> None:
        """Keep a record; it is on disk when this returns."""
        self._entries[name] = record
        self._write()

    def keep(self, names: set[str]) -> None:
        """Forget every record that is not in `names`."""
        if obsolete := self._entries.keys() - names:
            for name in obsolete:
                del self._entries[name]
            self._write()

    def names(self) -> set[str]:
        """The names of all records."""
        return set(self._entries)

    def _write(self) -> None:
        write_atomically(self._path, json.dumps(self._entries, indent=1).encode(), mode=0o600)
