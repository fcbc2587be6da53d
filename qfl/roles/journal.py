"""What a role has promised, on disk before it is said: a restarted role says the same again, never something else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qfl.errors import StateCorrupt
from qfl.files import read_json, write_atomically


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
        if self._entries.keys() - names:
            self._write({name: record for name, record in self._entries.items() if name in names})

    def names(self) -> set[str]:
        """The names of all records."""
        return set(self._entries)

    def _write(self, entries: dict[str, dict[str, Any]]) -> None:
        write_atomically(self._path, json.dumps(entries, indent=1).encode(), mode=0o600)
        # Only now: what a full disk did not take must not be handed out as if it were kept.
        self._entries = entries
