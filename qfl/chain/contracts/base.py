"""What the typed wrappers share: reads, unsent writes and events of one contract at one address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from web3 import Web3
from web3.exceptions import BadFunctionCallOutput, ContractCustomError, ContractLogicError
from web3.types import BlockIdentifier, EventData

from qfl.chain.abi import load_abi
from qfl.chain.connection import reaching, url_of
from qfl.chain.revert import decode_revert
from qfl.chain.sender import UnsentCall
from qfl.errors import DeploymentMismatch
from qfl.types import ParticipantId


class BoundContract:
    """One contract; `.functions` of web3 is used here and nowhere else."""

    abi_name: str

    def __init__(self, web3: Web3, address: str) -> None:
        self.address = Web3.to_checksum_address(address)
        self._web3, self._url = web3, url_of(web3)
        self._contract = web3.eth.contract(address=self.address, abi=load_abi(self.abi_name), decode_tuples=True)

    def _read(self, function: str, *arguments: object, block: BlockIdentifier = "latest") -> Any:
        with reaching(self._url):
            try:
                return self._contract.functions[function](*arguments).call(block_identifier=block)
            except (ContractCustomError, ContractLogicError) as error:
                data = error.data if isinstance(error.data, str) else None
                raise decode_revert(function, data) from error
            except BadFunctionCallOutput as error:
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
        data = self._contract.encode_abi(function, args=list(arguments))
        return UnsentCall(label, self.address, bytes.fromhex(data[2:]), value_wei, participant, round_number)

    def _events(
        self, name: str, from_block: int, to_block: BlockIdentifier = "latest", **filters: object
    ) -> list[EventData]:
        event = getattr(self._contract.events, name)
        with reaching(self._url):
            return list(event.get_logs(from_block=from_block, to_block=to_block, argument_filters=filters))

    def arguments_of(self, data: bytes) -> tuple[str, dict[str, Any]]:
        """The function and arguments in a transaction's input."""
        function, arguments = self._contract.decode_function_input(data)
        return str(function.fn_name), dict(arguments)
