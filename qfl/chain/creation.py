"""Creates single contracts, and describes them for the deployment file."""

from __future__ import annotations

from web3 import Web3

from qfl.chain.compiler import Artifact
from qfl.chain.deployment import DeployedContract, code_hash
from qfl.chain.rpc.sender import Sender, UnsentCall

NOBODY = "0x" + "00" * 20
"""The address that stands for no contract."""


def create(sender: Sender, artifact: Artifact, *arguments: object) -> str:
    """Create a contract on the sender's chain; its address. Raises as `Sender.send_raw`."""
    _, receipt = sender.send_raw(creation_call(sender.web3, artifact, *arguments))
    return str(Web3.to_checksum_address(receipt["contractAddress"]))


def creation_call(web3: Web3, artifact: Artifact, *arguments: object) -> UnsentCall:
    """The transaction that creates a contract."""
    factory = web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
    data = bytes.fromhex(factory.constructor(*arguments).data_in_transaction[2:])
    return UnsentCall(f"deploy_{artifact.name}", None, data)


def creation_gas(artifact: Artifact) -> int:
    """About what creating a contract takes: the transaction, its bytes, and 200 for each byte of code that is kept.

    Up to 15 % more than receipts show, since constructors are not kept, and up to 2 % less, since some of them write.
    """
    code = bytes.fromhex(artifact.bytecode)
    zeros = code.count(0)
    return 53_000 + 16 * (len(code) - zeros) + 4 * zeros + len(code) // 16 + 200 * len(code)


def deployed_at(web3: Web3, address: str) -> DeployedContract:
    """The contract at `address` with the hash of the code it has now."""
    return DeployedContract(address, code_hash(web3, address))
