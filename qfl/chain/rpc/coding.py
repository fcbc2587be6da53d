"""Calls, answers and logs as bytes, by their ABI; structs as the dataclasses that stand for them.

`web3.Contract` does the same and looks everything up again each time: with hundreds of roles in one process, most of
the process's time went there.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from eth_abi.abi import decode, encode
from eth_utils.abi import (
    collapse_if_tuple,
    event_abi_to_log_topic,
    function_abi_to_4byte_selector,
    get_abi_input_types,
    get_abi_output_types,
)
from eth_utils.address import to_checksum_address

T = TypeVar("T")


class FunctionCoder:
    """One function of an ABI: arguments to call data, and an answer back to values.

    A struct is given as a dataclass with fields of its members' names, or as a tuple, and becomes a dict.
    """

    def __init__(self, entry: Any) -> None:
        self.name, self.selector = str(entry["name"]), function_abi_to_4byte_selector(entry)
        self._inputs, self._outputs = get_abi_input_types(entry), get_abi_output_types(entry)
        self.parameters = [str(parameter["name"]) for parameter in entry["inputs"]]
        self._write_inputs = [_writer(parameter) for parameter in entry["inputs"]]
        self._read_inputs = [_reader(parameter) for parameter in entry["inputs"]]
        self._read_outputs = [_reader(parameter) for parameter in entry["outputs"]]

    def encode(self, arguments: Sequence[object]) -> bytes:
        """The call data."""
        values = [write(value) for write, value in zip(self._write_inputs, arguments, strict=True)]
        return self.selector + encode(self._inputs, values)

    def arguments_in(self, data: bytes) -> dict[str, Any]:
        """The arguments in call data, by name. Raises DecodingError."""
        found = zip(self.parameters, self._read_inputs, decode(self._inputs, data[4:]), strict=True)
        return {name: read(value) for name, read, value in found}

    def decode(self, answer: bytes) -> Any:
        """The value that the function returns; a tuple when there are several. Raises DecodingError."""
        found = decode(self._outputs, answer)
        values = tuple(read(value) for read, value in zip(self._read_outputs, found, strict=True))
        return values[0] if len(values) == 1 else values


class EventCoder:
    """One event of an ABI: a filter to topics, and a log to its arguments."""

    def __init__(self, entry: Any) -> None:
        self._topic = "0x" + event_abi_to_log_topic(entry).hex()
        self._indexed = {one["name"]: one["type"] for one in entry["inputs"] if one["indexed"]}
        self._plain = {one["name"]: collapse_if_tuple(one) for one in entry["inputs"] if not one["indexed"]}
        self._readers = {parameter["name"]: _reader(parameter) for parameter in entry["inputs"]}

    def topics(self, filters: Mapping[str, object]) -> list[str | None]:
        """What `eth_getLogs` takes for logs whose indexed arguments have these values."""
        if unknown := filters.keys() - self._indexed.keys():
            raise ValueError(f"not indexed: {unknown}")
        topics: list[str | None] = [self._topic]
        for name, kind in self._indexed.items():
            topics.append("0x" + encode([kind], [filters[name]]).hex() if name in filters else None)
        while topics[-1] is None:
            topics.pop()
        return topics

    def decode(self, log: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a log, as `eth_getLogs` gives it, by name. Raises DecodingError."""
        found = dict(zip(self._plain, decode(list(self._plain.values()), bytes.fromhex(log["data"][2:])), strict=True))
        for (name, kind), topic in zip(self._indexed.items(), log["topics"][1:], strict=True):
            (found[name],) = decode([kind], bytes.fromhex(topic[2:]))
        return {name: self._readers[name](value) for name, value in found.items()}


def record(kind: type[T], value: Any) -> T:
    """A decoded value as a `kind`: a number, bytes, an enumeration, a dataclass, or lists, tuples and dicts of such.

    A dataclass is made of a mapping, or of what a function with several outputs returns, in their order. A field has
    its member's name as Python writes it; its type says what is made of the value. Where a struct has the members of
    another one among its own (`identifier`, `root` and `height` in place of a `key`), a field for which there is no
    member is made of all of them.

    Raises:
        KeyError, TypeError, ValueError: it does not fit.
    """
    wanted: Any = kind
    made: T = _maker(wanted)(value)
    return made


def in_python(name: str) -> str:
    """The name of a struct's member as Python writes it: `baseRoot` is `base_root`."""
    return re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name)


def _writer(parameter: Any) -> Callable[[Any], Any]:
    """What turns a dataclass into the tuple that a struct is encoded from, wherever one is in a value."""
    kind = parameter["type"]
    if kind.endswith("]"):
        inner = _writer({**parameter, "type": kind[: kind.rindex("[")]})
        return lambda values: [inner(value) for value in values]
    if kind != "tuple":
        return lambda value: value
    members = {in_python(member["name"]): _writer(member) for member in parameter["components"]}
    return lambda value: (
        tuple(write(getattr(value, name)) for name, write in members.items()) if is_dataclass(value) else value
    )


def _reader(parameter: Any) -> Callable[[Any], Any]:
    """What turns a decoded value into what callers expect: structs have names, addresses their checksum."""
    kind = parameter["type"]
    if kind.endswith("]"):
        inner = _reader({**parameter, "type": kind[: kind.rindex("[")]})
        return lambda values: [inner(value) for value in values]
    if kind == "address":
        return lambda value: str(to_checksum_address(value))
    if kind != "tuple":
        return lambda value: value
    members = {member["name"]: _reader(member) for member in parameter["components"]}
    return lambda values: {name: read(value) for (name, read), value in zip(members.items(), values, strict=True)}


@cache
def _maker(kind: Any) -> Callable[[Any], Any]:
    if is_dataclass(kind):
        return _dataclass_maker(kind)
    origin, inside = get_origin(kind), get_args(kind)
    if origin is dict:
        return dict
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
        members = value if isinstance(value, Mapping) else dict(zip(makers, value, strict=True))
        found = {in_python(name): member for name, member in members.items()}
        given = {name: found if name in nested and name not in found else found[name] for name in makers}
        return kind(**{name: make_field(given[name]) for name, make_field in makers.items()})

    return make
