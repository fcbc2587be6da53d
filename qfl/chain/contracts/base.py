"""What the typed wrappers share: reads, unsent writes and events of one contract at one address."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, overload

from eth_abi.exceptions import DecodingError
from hexbytes import HexBytes
from web3 import Web3

from qfl.chain.abi import load_abi
from qfl.chain.rpc.answers import reading, require_data
from qfl.chain.rpc.coding import EventCoder, FunctionCoder, in_python, record
from qfl.chain.rpc.connection import chain_id_of, code_at, url_of
from qfl.chain.rpc.logs import read_logs
from qfl.chain.rpc.revert import decode_revert
from qfl.chain.rpc.rpc import call_all, rpc_at
from qfl.chain.rpc.sender import UnsentCall
from qfl.errors import DeploymentMismatch, RpcRefused
from qfl.protocol.types import ParticipantId, RoundNumber

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
T = TypeVar("T")

PARTICIPANTS = ("id", "client", "validator", "clientId")
"""What functions call the participant that they are called for."""


class BoundContract:
    """One contract; `.functions` of web3 is used nowhere. Structs are dataclasses (`qfl.chain.rpc.coding.record`)."""

    abi_name: str

    def __init__(self, web3: Web3, address: str) -> None:
        self.address = Web3.to_checksum_address(address)
        self.web3, self._url = web3, url_of(web3)
        self._rpc = rpc_at(self._url)

    def _read(self, kind: type[T], function: str, *arguments: object) -> T:
        """What a view answers, as a `kind`."""
        return self._read_many(kind, function, [arguments])[0]

    def _read_many(self, kind: type[T], function: str, calls: Iterable[Sequence[object]]) -> list[T]:
        """What a view answers to each of several lists of arguments; they travel together."""
        return self._read_each([(kind, function, arguments) for arguments in calls])

    def _read_each(self, calls: Sequence[tuple[type[T], str, Sequence[object]]], block: str = "latest") -> list[T]:
        """What views answer at the end of a block, each as a kind of its own; they travel together."""
        coders = [_functions(self.abi_name)[function] for _, function, _ in calls]
        data = [coder.encode(arguments).hex() for coder, (_, _, arguments) in zip(coders, calls, strict=True)]
        asked = " and ".join(dict.fromkeys(function for _, function, _ in calls))
        try:
            requests = [({"to": self.address, "data": f"0x{one}"}, block) for one in data]
            answers = call_all(self._rpc, "eth_call", requests)
            found = [coder.decode(require_data(self._url, one)) for coder, one in zip(coders, answers, strict=True)]
        except RpcRefused as error:
            if not error.is_revert:
                raise
            raise decode_revert(asked, error.data) from error
        except DecodingError as error:
            raise DeploymentMismatch(f"{self.abi_name} at {self.address}", "a contract", "no code") from error
        with reading(self._url, f"an answer to {asked}"):
            return [record(kind, value) for (kind, _, _), value in zip(calls, found, strict=True)]

    def _write(
        self,
        function: str,
        *arguments: object,
        label: str | None = None,
        value_wei: int = 0,
        participant: ParticipantId | None = None,
        round_number: int | None = None,
    ) -> UnsentCall:
        """A call that is not sent yet.

        Unless given, its label is the function's name, and its participant and round are those among its arguments.
        """
        coder = _functions(self.abi_name)[function]
        named = dict(zip(coder.parameters, arguments, strict=True))
        spoken_for: Any = participant or next((named[name] for name in PARTICIPANTS if name in named), None)
        number: Any = round_number or named.get("round")
        return UnsentCall(
            label or in_python(function),
            self.address,
            coder.encode(arguments),
            value_wei,
            participant=spoken_for,
            round=number,
            chain_id=chain_id_of(self.web3),
        )

    def _events(
        self, kind: type[T], name: str, from_block: int, to_block: int | str = "latest", **filters: object
    ) -> list[T]:
        """The logs of an event with these indexed arguments (None: whatever it is), oldest first, each as a `kind`."""
        logs = self._logs(name, from_block, to_block, **filters)
        with reading(self._url, f"an event {name}"):
            return [record(kind, log) for log in logs]

    def _logs(
        self, name: str, from_block: int, to_block: int | str = "latest", **filters: object
    ) -> list[dict[str, Any]]:
        """As `_events`: the arguments of each log by name, and beside them its `block`, `log` index and `txHash`."""
        coder = _event(self.abi_name, name)
        topics = coder.topics({key: value for key, value in filters.items() if value is not None})
        logs = read_logs(self._rpc, {"address": self.address, "topics": topics}, first=from_block, last=to_block)
        with reading(self._url, f"an event {name}"):
            return [
                {
                    **coder.decode(log),
                    "block": int(log["blockNumber"], 16),
                    "log": int(log["logIndex"], 16),
                    "txHash": HexBytes(log["transactionHash"]).to_0x_hex(),
                }
                for log in logs
            ]

    def _kept_at(self, address: str) -> bytes:
        """What a contract keeps as the code of another one; the first byte there is STOP."""
        return code_at(self.web3, address)[1:]

    def arguments_of(self, data: bytes) -> tuple[str, dict[str, Any]]:
        """The function and arguments in a transaction's input. Raises ValueError, DecodingError: no such call."""
        for coder in _functions(self.abi_name).values():
            if coder.selector == data[:4]:
                return coder.name, coder.arguments_in(data)
        raise ValueError(f"{self.abi_name} has no function with the selector 0x{data[:4].hex()}")


@overload
def view(kind: type[T], function: str, /) -> Callable[[BoundContract], T]: ...


@overload
def view(kind: type[T], function: str, first: type[A], /) -> Callable[[BoundContract, A], T]: ...


@overload
def view(kind: type[T], function: str, first: type[A], second: type[B], /) -> Callable[[BoundContract, A, B], T]: ...


@overload
def view(
    kind: type[T], function: str, first: type[A], second: type[B], third: type[C], /
) -> Callable[[BoundContract, A, B, C], T]: ...


def view(kind: type[T], function: str, /, *_arguments: type) -> Callable[..., T]:
    """A method that calls a view with arguments of these types, and returns what it answers as a `kind`."""
    return lambda contract, *arguments: contract._read(kind, function, *arguments)


def of_round(kind: type[T]) -> Callable[[BoundContract, RoundNumber, int], list[T]]:
    """A method that reads the events of a round since a block, oldest first; the event has the name of its `kind`."""
    return lambda contract, number, from_block: contract._events(kind, kind.__name__, from_block, round=number)


def encode_call(abi_name: str, function: str, arguments: Sequence[object]) -> bytes:
    """The data of a call, for whoever counts its bytes without a chain."""
    return _functions(abi_name)[function].encode(arguments)


@cache
def _functions(abi_name: str) -> Mapping[str, FunctionCoder]:
    return {entry["name"]: FunctionCoder(entry) for entry in load_abi(abi_name) if entry["type"] == "function"}


@cache
def _event(abi_name: str, name: str) -> EventCoder:
    (entry,) = (entry for entry in load_abi(abi_name) if (entry["type"], entry.get("name")) == ("event", name))
    return EventCoder(entry)
