"""Calls, answers and logs as bytes, by their ABI.

`web3.Contract` does the same and looks everything up again each time: with hundreds of roles in one process, most of
the process's time went there.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from qfl.chain.abi import canonical_type, selector_of

Entry = dict[str, Any]
"""A function or an event of an ABI."""


class FunctionCoder:
    """One function: arguments to call data, and an answer back to values.

    A struct is given as a dataclass with fields of its members' names, or as a tuple, and becomes a named tuple.
    """

    def __init__(self, entry: Entry) -> None:
        self.name = str(entry["name"])
        self._inputs = [canonical_type(parameter) for parameter in entry["inputs"]]
        self._outputs = [canonical_type(parameter) for parameter in entry["outputs"]]
        self._write_inputs = [_writer(parameter) for parameter in entry["inputs"]]
        self._name_inputs = {parameter["name"]: _namer(parameter) for parameter in entry["inputs"]}
        self._name_outputs = [_namer(parameter) for parameter in entry["outputs"]]
        self.selector = selector_of(entry)

    def encode(self, arguments: Sequence[object]) -> bytes:
        """The call data."""
        values = [write(value) for write, value in zip(self._write_inputs, arguments, strict=True)]
        return self.selector + encode(self._inputs, values)

    def arguments_in(self, data: bytes) -> dict[str, Any]:
        """The arguments in call data, by name. Raises DecodingError."""
        found = decode(self._inputs, data[4:])
        return {name: read(value) for (name, read), value in zip(self._name_inputs.items(), found, strict=True)}

    def decode(self, answer: bytes) -> Any:
        """The value that the function returns; a tuple when there are several. Raises DecodingError."""
        found = decode(self._outputs, answer)
        values = tuple(name(value) for name, value in zip(self._name_outputs, found, strict=True))
        return values[0] if len(values) == 1 else values


class EventCoder:
    """One event: a filter to topics, and a log to its arguments."""

    def __init__(self, entry: Entry) -> None:
        self._indexed = [parameter for parameter in entry["inputs"] if parameter["indexed"]]
        self._plain = [parameter for parameter in entry["inputs"] if not parameter["indexed"]]
        self._plain_types = [canonical_type(parameter) for parameter in self._plain]
        self._namers = {parameter["name"]: _namer(parameter) for parameter in entry["inputs"]}
        kinds = ",".join(canonical_type(parameter) for parameter in entry["inputs"])
        self._signature = keccak(text=f"{entry['name']}({kinds})")

    def topics(self, filters: Mapping[str, object]) -> list[str | None]:
        """What `eth_getLogs` takes for logs whose indexed arguments have these values."""
        unknown = filters.keys() - {parameter["name"] for parameter in self._indexed}
        if unknown:
            raise ValueError(f"not indexed: {unknown}")
        topics: list[str | None] = ["0x" + self._signature.hex()]
        for parameter in self._indexed:
            name = parameter["name"]
            topics.append("0x" + encode([parameter["type"]], [filters[name]]).hex() if name in filters else None)
        while topics[-1] is None:
            topics.pop()
        return topics

    def decode(self, log: Mapping[str, Any]) -> dict[str, Any]:
        """A log of the event: `args` by name, `blockNumber`, `transactionHash`. `log` is as `eth_getLogs` gives it."""
        found = decode(self._plain_types, bytes.fromhex(log["data"][2:]))
        names = [parameter["name"] for parameter in self._plain]
        arguments = {name: self._namers[name](value) for name, value in zip(names, found, strict=True)}
        for parameter, topic in zip(self._indexed, log["topics"][1:], strict=True):
            (value,) = decode([parameter["type"]], bytes.fromhex(topic[2:]))
            arguments[parameter["name"]] = self._namers[parameter["name"]](value)
        return {
            "args": arguments,
            "blockNumber": int(log["blockNumber"], 16),
            "transactionHash": HexBytes(log["transactionHash"]),
        }


def in_python(name: str) -> str:
    """The name of a struct's member as Python writes it: `baseRoot` is `base_root`."""
    return re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name)


def _writer(parameter: Entry) -> Callable[[Any], Any]:
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


def _namer(parameter: Entry) -> Callable[[Any], Any]:
    """What turns a decoded value into what callers expect: structs have names, addresses their checksum."""
    kind = parameter["type"]
    if kind.endswith("]"):
        inner = _namer({**parameter, "type": kind[: kind.rindex("[")]})
        return lambda values: [inner(value) for value in values]
    if kind == "address":
        return lambda value: str(to_checksum_address(value))
    if kind != "tuple":
        return lambda value: value
    members = parameter["components"]
    # mypy wants names that it can read here; these are of the ABI.
    struct = namedtuple("struct", [member["name"] for member in members])  # type: ignore[misc]
    inside = [_namer(member) for member in members]
    return lambda values: struct(*(name(value) for name, value in zip(inside, values, strict=True)))
