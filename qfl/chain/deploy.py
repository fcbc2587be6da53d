"""Deploys the contracts with web3. `scripts/deploy.py` does the same for Brownie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_typing import HexAddress, HexStr
from web3 import Web3
from web3.types import Nonce
from web3.utils.address import get_create_address

from qfl.chain.compiler import Artifact, compile_contracts
from qfl.chain.contracts.staking import Staking
from qfl.chain.deployment import DeployedContract, Deployment, code_hash
from qfl.chain.parameters import ProtocolParameters
from qfl.chain.sender import Sender, UnsentCall
from qfl.errors import AddressTaken, InvalidInput
from qfl.types import ModelShape
from qfl.zk.keys import VerifyingKey

NOBODY = "0x" + "00" * 20


@dataclass(frozen=True)
class Genesis:
    """The model that round 1 trains on: `Chunks` root, content digest, and its architecture document's digest."""

    model_root: bytes
    content_digest: bytes
    architecture_digest: bytes
    shape: ModelShape


def deploy(
    web3: Web3,
    sender: Sender,
    parameters: ProtocolParameters,
    genesis: Genesis,
    verifying_key: VerifyingKey | None = None,
) -> Deployment:
    """Deploy everything, wire it, fund the reward pool; the sender's account becomes the owner.

    Args:
        verifying_key: for the private mode: what every reveal's norm proof is checked with, from now on.

    Raises:
        InvalidInput: the key's circuit is too small for the model; nothing was sent.
        ContractReverted: the parameters contradict each other; the error names the field.
        AddressTaken: the account sent something else meanwhile.
        CompilerFailed, InsufficientFunds.
    """
    if verifying_key is not None:
        check_capacity(verifying_key, genesis.shape)
    start, shard_count = web3.eth.block_number, parameters.rounds["shards"]
    artifacts = compile_contracts()
    staking = _create(web3, sender, artifacts["Staking"], _struct(artifacts["Staking"], 0, parameters.staking))
    quorum = _create(web3, sender, artifacts["LmsQuorum"], staking)
    # The beacon takes the disputes contract's address, and the other way round; so this one is foretold.
    disputes_expected = _next_address(web3, sender, after=1 + (verifying_key is not None) + shard_count)
    beacon_code = artifacts["Beacon"]
    genesis_values = {
        "root": genesis.model_root,
        "modelRoot": genesis.model_root,
        "contentDigest": genesis.content_digest,
        "architectureDigest": genesis.architecture_digest,
        "quantumLength": genesis.shape.quantum,
        "classicalLength": genesis.shape.classical,
    }
    beacon = _create(
        web3,
        sender,
        beacon_code,
        *(staking, quorum),
        _struct(beacon_code, 2, genesis_values),
        _struct(beacon_code, 3, parameters.rounds),
        *(disputes_expected, sender.address),
    )
    named = {"Staking": staking, "LmsQuorum": quorum, "Beacon": beacon}
    if verifying_key is not None:
        code, arguments = artifacts["Groth16NormVerifier"], verifying_key.constructor_arguments()
        named["NormVerifier"] = _create(web3, sender, code, *arguments)
    verifier = named.get("NormVerifier", NOBODY)
    shards = [_create(web3, sender, artifacts["Shard"], beacon, i, verifier) for i in range(shard_count)]
    if (disputes := _next_address(web3, sender)) != disputes_expected:
        raise AddressTaken("Disputes", disputes_expected, disputes)
    named["Disputes"] = _create(web3, sender, artifacts["Disputes"], beacon, staking, shards)
    wrapper = Staking(web3, staking)
    sender.send(wrapper.wire(beacon, disputes))
    if parameters.reward_pool_wei:
        sender.send(wrapper.fund_rewards(parameters.reward_pool_wei))
    return Deployment(
        web3.eth.chain_id,
        start,
        {name: _deployed(web3, address) for name, address in named.items()},
        [_deployed(web3, shard) for shard in shards],
        {"staking": dict(parameters.staking), "rounds": dict(parameters.rounds)},
        {
            "modelRoot": "0x" + genesis.model_root.hex(),
            "contentDigest": "0x" + genesis.content_digest.hex(),
            "architectureDigest": "0x" + genesis.architecture_digest.hex(),
        },
    )


def check_capacity(verifying_key: VerifyingKey, shape: ModelShape) -> None:
    """Make sure that the key's circuit takes an update of the model: a longer one could never be revealed.

    Raises:
        InvalidInput: it does not.
    """
    if verifying_key.capacity < shape.total:
        remedy = f"the model has {shape.total} coordinates; make a key with `qfl zk setup --lanes {shape.total}`"
        raise InvalidInput("lanes of the verifying key", verifying_key.capacity, remedy)


def _next_address(web3: Web3, sender: Sender, after: int = 0) -> str:
    """Where the sender's next contract will be, or the one `after` that many transactions."""
    nonce = web3.eth.get_transaction_count(Web3.to_checksum_address(sender.address), "pending")
    return str(get_create_address(HexAddress(HexStr(sender.address)), Nonce(nonce + after)))


def _create(web3: Web3, sender: Sender, artifact: Artifact, *arguments: object) -> str:
    factory = web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
    data = bytes.fromhex(factory.constructor(*arguments).data_in_transaction[2:])
    _, receipt = sender.send_raw(UnsentCall(f"deploy_{artifact.name}", None, data))
    return str(receipt["contractAddress"])


def _struct(artifact: Artifact, position: int, values: Any) -> tuple[object, ...]:
    (constructor,) = (entry for entry in artifact.abi if entry["type"] == "constructor")
    return tuple(values[member["name"]] for member in constructor["inputs"][position]["components"])


def _deployed(web3: Web3, address: str) -> DeployedContract:
    return DeployedContract(address, code_hash(web3, address))
