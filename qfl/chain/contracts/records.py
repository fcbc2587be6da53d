"""Structs, answers and events as the dataclasses and enumerations that stand for them, by the names of their fields.

A field has its member's name as Python writes it, and its type says what is made of the value. Where a struct has the
members of another one among its own (`identifier`, `root` and `height` in place of a `key`), a field for which there is
no member is made of all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from qfl.chain.rpc.coding import in_python

T = TypeVar("T")


def record(kind: type[T], value: Any) -> T:
    """A decoded value as a `kind`: a number, bytes, an enumeration, a dataclass, or lists, tuples and dicts of such.

    A dataclass is made of a named tuple, a mapping, or what a function with several outputs returns, in their order.

    Raises:
        KeyError, TypeError, ValueError: it does not fit.
    """
    wanted: Any = kind
    made: T = _maker(wanted)(value)
    return made


@cache
def _maker(kind: Any) -> Callable[[Any], Any]:
    if is_dataclass(kind):
        return _dataclass_maker(kind)
    origin, inside = get_origin(kind), get_args(kind)
    if origin is dict:
        return lambda struct: dict(struct._asdict())
    if origin is tuple and inside[-1] is not Ellipsis:
        makers = [_maker(item) for item in inside]
        return lambda values: tuple(make(value) for make, value in zip(makers, values, strict=True))
    if origin in (list, tuple):
        make_item = _maker(inside[0])
        return lambda values: origin(map(make_item, values))
    made: Callable[[Any], Any] = kind
    return made


def _dataclass_maker(kind: Any) -> Callable[[Any], Any]:
    types = get_type_hints(kind)
    makers = {field.name: _maker(types[field.name]) for field in fields(kind)}
    nested = {name for name in makers if is_dataclass(types[name])}

    def make(value: Any) -> Any:
        if not isinstance(value, Mapping):
            value = value._asdict() if hasattr(value, "_asdict") else dict(zip(makers, value, strict=True))
        found = {in_python(name): member for name, member in value.items()}
        given = {name: found if name in nested and name not in found else found[name] for name in makers}
        return kind(**{name: make_field(given[name]) for name, make_field in makers.items()})

    return make
