"""Doors: where others add to this package without editing it.

A door holds the entries of one kind by name. An entry is registered by the door's decorator, in one of the modules of
`home`, or comes from an installed package as an entry point of the door's group. In what a person writes himself (his
job file, his command line) `package.module:Name` may stand for a name: `own_name` imports that and says what it is
registered as. What comes from chain or IPFS names entries only: nobody imports what he has not installed.
"""

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Generic, TypeVar, cast

from qfl.errors import DoorBroken, InvalidInput, NotInstalled

Entry = TypeVar("Entry")
REFERENCE = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_]\w*)")

_own_modules: dict[str, str] = {}


def own_modules() -> Mapping[str, str]:
    """The modules that the user of this process has named, each with the folder that it was sought in after all others.

    What a worker process has to import first, to know the same entries.
    """
    return dict(_own_modules)


def import_own(modules: Mapping[str, str]) -> None:
    """Import what `own_modules` says; raises whatever the modules do."""
    for module, folder in modules.items():
        if folder and folder not in sys.path:
            sys.path.append(folder)
        importlib.import_module(module)


class Door(Generic[Entry]):
    """The entries of one kind. Nobody replaces one of `home`: it is found before an installed one of its name."""

    def __init__(
        self, kind: str, *home: str, group: str | None = None, base: type | None = None, takes: int | None = None
    ) -> None:
        """`kind` is what errors call an entry; `home` are modules, or packages with all of their modules.

        `group` is that of others' entry points: by default `qfl.<kind>s`, with `_` for a space. Installed entries are
        subclasses of `base`, where it is given, or functions that can be called with as many values as `takes` says.
        """
        self.kind, self.group = kind, group or f"qfl.{kind.replace(' ', '_')}s"
        self._home, self._base, self._takes, self._own = home, base, takes, dict[str, Entry]()

    def register(self, name: str) -> Callable[[Entry], Entry]:
        """The decorator that adds an entry. Raises DoorBroken: the name is taken by another one."""

        def add(entry: Entry) -> Entry:
            if self._own.setdefault(name, entry) is not entry:
                raise DoorBroken(self.kind, name, "there are two of this name")
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
            NotInstalled: there is none.
            DoorBroken: the package that has it cannot be loaded, or there are two that have it.
        """
        self._read_home()
        if isinstance(name, str):
            if name in self._own:
                return self._own[name]
            if name in self._installed:
                entry, *others = self._installed[name]
                if others:
                    packages = sorted(own.dist.name if own.dist else own.value for own in (entry, *others))
                    raise DoorBroken(self.kind, name, f"{' and '.join(packages)} each bring one of this name")
                return self._load(entry)
        raise NotInstalled(setting or self.kind, name, self.kind, self.names())

    def own_name(self, reference: str, setting: str | None = None, beside: Path | None = None) -> str:
        """The name that stands for `package.module:Name`, which this imports; any other text is returned as it is.

        Only for what the person who runs this has written himself. Modules in the folder `beside` are found too, after
        all others. Raises InvalidInput: what it names is registered under no name; DoorBroken: it cannot be imported.
        """
        if not (isinstance(reference, str) and REFERENCE.fullmatch(reference)):
            return reference
        self._read_home()
        module, folder = reference.partition(":")[0], "" if beside is None else str(beside.resolve())
        entry = self._load(EntryPoint(reference, reference, self.group), {module: folder})
        _own_modules[module] = folder
        named = [name for name, own in self._own.items() if own is entry]
        named += [name for name, entries in self._installed.items() if reference in [of.value for of in entries]]
        if not named:
            remedy = f"is no {self.kind} with a name: register it with the decorator of its kind"
            raise InvalidInput(setting or self.kind, reference, remedy)
        return named[0]

    @cached_property
    def _installed(self) -> Mapping[str, Sequence[EntryPoint]]:
        found: dict[str, list[EntryPoint]] = {}
        for entry in entry_points(group=self.group):
            found.setdefault(entry.name, []).append(entry)
        return found

    def _load(self, entry: EntryPoint, modules: Mapping[str, str] = MappingProxyType({})) -> Entry:
        try:
            import_own(modules)
            loaded: Entry = entry.load()
            if self._base is not None and not (isinstance(loaded, type) and issubclass(loaded, self._base)):
                raise TypeError(f"it is no {self._base.__name__}")
            if lacking := getattr(loaded, "__abstractmethods__", None):
                raise TypeError(f"it lacks {', '.join(sorted(lacking))}")
            if self._takes is not None:
                inspect.signature(cast("Callable[..., object]", loaded)).bind(*[None] * self._takes)
        except KeyboardInterrupt:
            raise
        except BaseException as fault:  # whatever somebody else's module does when it is imported
            raise DoorBroken(self.kind, entry.value, f"{type(fault).__name__}: {fault}") from fault
        return loaded

    def _read_home(self) -> None:
        """Import the modules of `home`, once: each registers what it has."""
        for name in self._home:
            home = importlib.import_module(name)
            for module in pkgutil.iter_modules(getattr(home, "__path__", ()), f"{name}."):
                importlib.import_module(module.name)
        self._home = ()
