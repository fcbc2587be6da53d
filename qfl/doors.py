"""Doors: where others add to this package without editing it.

A door holds the entries of one kind by name. An entry is registered by the door's decorator, in one of the modules of
`home`, or comes from an installed package as an entry point of the door's group. What a person writes in a file of his
own may also name `package.module:Name`; what comes from chain or IPFS names registered entries only.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from qfl.errors import DoorBroken, InvalidInput

Entry = TypeVar("Entry")


class Door(Generic[Entry]):
    """The entries of one kind. `home` is the package of this project's own; `group` that of others' entry points."""

    def __init__(self, kind: str, home: str | None = None, group: str | None = None) -> None:
        """`kind` is what errors call an entry; the group is by default `qfl.<kind>s`, with `_` for a space."""
        self.kind, self.group = kind, group or f"qfl.{kind.replace(' ', '_')}s"
        self._home, self._own = home, dict[str, Entry]()

    def register(self, name: str) -> Callable[[Entry], Entry]:
        """The decorator that adds an entry.

        Raises:
            ValueError: the name is taken by another one.
        """

        def add(entry: Entry) -> Entry:
            if self._own.setdefault(name, entry) is not entry:
                raise ValueError(f"there are two {self.kind}s called {name}")
            return entry

        return add

    def names(self) -> list[str]:
        """Of everything that is registered or installed, in alphabetical order; nobody else's code is run for it."""
        self._read_home()
        return sorted({*self._own, *self._installed})

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def find(self, name: str, setting: str | None = None) -> Entry:
        """The registered or installed entry of that name; `setting` is where it was named, for the error.

        Raises:
            InvalidInput: there is none.
            DoorBroken: the package that has it cannot be loaded.
        """
        self._read_home()
        if name in self._own:
            return self._own[name]
        if name in self._installed:
            return self._load(self._installed[name])
        known = ", ".join(self.names())
        remedy = f"there is {known}" if known else "none is installed"
        raise InvalidInput(setting or self.kind, name, f"{remedy}; others come with the package that has them")

    def find_own(self, reference: str, setting: str | None = None) -> Entry:
        """As `find`, and `package.module:Name` too: only for what the person who runs this has written himself."""
        if ":" not in reference:
            return self.find(reference, setting)
        return self._load(EntryPoint(reference, reference, self.group))

    @cached_property
    def _installed(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=self.group)}

    def _load(self, entry: EntryPoint) -> Entry:
        try:
            loaded: Entry = entry.load()
        except (Exception, SystemExit) as fault:
            raise DoorBroken(self.kind, entry.value, f"{type(fault).__name__}: {fault}") from fault
        return loaded

    def _read_home(self) -> None:
        """Import the modules of `home`, once: each registers what it has."""
        if self._home is None:
            return
        home, self._home = importlib.import_module(self._home), None
        for module in pkgutil.iter_modules(home.__path__, home.__name__ + "."):
            importlib.import_module(module.name)
