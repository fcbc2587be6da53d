"""What the typed wrappers share: reads, unsent writes and events of one contract at one address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from eth_abi.exceptions import DecodingError
from web3 import Web3
from web3.types import BlockIdentifier

from qfl.chain.abi import load_abi
from qfl.chain.rpc.answers import reading, require_data
from qfl.chain.rpc.coding import EventCoder, FunctionCoder
from qfl.chain.rpc.connection import chain_id_of, url_of
from qfl.chain.rpc.logs import read_logs
from qfl.chain.rpc.revert import decode_revert
from qfl.chain.rpc.rpc import call_all, rpc_at
from qfl.chain.rpc.sender import UnsentCall
from qfl.errors import DeploymentMismatch, RpcRefused
from qfl.protocol.types import ParticipantId


class BoundContract:
    """One contract; `.functions` of web3 is used nowhere."""

    abi_name: str

    def __init__(self, web3: Web3, address: str) -> None:
        self.address = Web3.to_checksum_address(address)
        self.web3, self._url = web3, url_of(web3)
        self._rpc = rpc_at(self._url)

    def _read(self, function: str, *arguments: object, block: BlockIdentifier = "latest") -> Any:
        return self._read_many(function, [arguments], block)[0]

    def _read_many(
        self, function: str, calls: Iterable[Sequence[object]], block: BlockIdentifier = "latest"
    ) -> list[Any]:
        """What a view answers to each of several lists of arguments; they travel together."""
        coder = _functions(self.abi_name)[function]
        at = hex(block) if isinstance(block, int) else block
        requests = [{"to": self.address, "data": "0x" + coder.encode(arguments).hex()} for arguments in calls]
        try:
            answers = call_all(self._rpc, "eth_call", [(request, at) for request in requests])
            return [coder.decode(require_data(self._url, answer)) for answer in answers]
        except RpcRefused as error:
            if not error.is_revert:
                raise
            raise decode_revert(function, error.data) from error
        except DecodingError as error:
            raise DeploymentMismatch(f"{self.abi_name} at {self.address}", "a contract", "no code") from error

    def _write(
        self,
        label: str,
        function: str,
        arguments: Sequence[object],
        value_wei: int = 0,
        participant: ParticipantId | None = None,
        round_number: int | None = None,
    ) -> UnsentCall:
        data, chain_id = _functions(self.abi_name)[function].encode(arguments), chain_id_of(self.web3)
        return UnsentCall(label, self.address, data, value_wei, participant, round_number, chain_id)

    def _events(
        self, name: str, from_block: int, to_block: BlockIdentifier = "latest", **filters: object
    ) -> list[dict[str, Any]]:
        """The logs of an event with these indexed arguments, oldest first, as `EventCoder.decode` gives them."""
        coder = _event(self.abi_name, name)
        last = to_block if isinstance(to_block, int) else str(to_block)
        logs = read_logs(self._rpc, {"address": self.address, "topics": coder.topics(filters)}, from_block, last)
        with reading(self._url, f"an event {name}"):
            return [coder.decode(log) for log in logs]

    def arguments_of(self, data: bytes) -> tuple[str, dict[str, Any]]:
        """The function and arguments in a transaction's input."""
        contract = self.web3.eth.contract(address=self.address, abi=load_abi(self.abi_name), decode_tuples=True)
        function, arguments = contract.decode_function_input(data)
        return str(function.fn_name), dict(arguments)


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
