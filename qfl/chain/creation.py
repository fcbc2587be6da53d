"""Creates single contracts, and describes them for the deployment file."""

from __future__ import annotations

from web3 import Web3

from qfl.chain.compiler import Artifact
from qfl.chain.deployment import DeployedContract, code_hash
from qfl.chain.sender import Sender, UnsentCall

NOBODY = "0x" + "00" * 20
"""The address that stands for no contract."""


def create(sender: Sender, artifact: Artifact, *arguments: object) -> str:
    """Create a contract on the sender's chain; its address. Raises as `Sender.send_raw`."""
    factory = sender.web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
    data = bytes.fromhex(factory.constructor(*arguments).data_in_transaction[2:])
    _, receipt = sender.send_raw(UnsentCall(f"deploy_{artifact.name}", None, data))
    return str(Web3.to_checksum_address(receipt["contractAddress"]))


def deployed_at(web3: Web3, address: str) -> DeployedContract:
    """The contract at `address` with the hash of the code it has now."""
    return DeployedContract(address, code_hash(web3, address))
