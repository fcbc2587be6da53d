"""Deploys the contracts with web3. `scripts/deploy.py` does the same for Brownie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from web3 import Web3

from qfl.chain.compiler import Artifact, compile_contracts
from qfl.chain.contracts.staking import Staking
from qfl.chain.deployment import DeployedContract, Deployment, code_hash
from qfl.chain.parameters import ProtocolParameters
from qfl.chain.sender import Sender, UnsentCall
from qfl.types import ModelShape

NOBODY = "0x" + "00" * 20


@dataclass(frozen=True)
class Genesis:
    """The model that round 1 trains on: `Chunks` root, content digest, and its architecture document's digest."""

    model_root: bytes
    content_digest: bytes
    architecture_digest: bytes
    shape: ModelShape


def deploy(web3: Web3, sender: Sender, parameters: ProtocolParameters, genesis: Genesis) -> Deployment:
    """Deploy everything, wire it, fund the reward pool; the sender's account becomes the owner.

    Raises:
        ContractReverted: the parameters contradict each other; the error names the field.
        CompilerFailed, InsufficientFunds.
    """
    start = web3.eth.block_number
    artifacts = compile_contracts()
    staking = _create(web3, sender, artifacts["Staking"], _struct(artifacts["Staking"], 0, parameters.staking))
    quorum = _create(web3, sender, artifacts["LmsQuorum"], staking)
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
        *(NOBODY, sender.address),
    )
    shards = [_create(web3, sender, artifacts["Shard"], beacon, i) for i in range(parameters.rounds["shards"])]
    wrapper = Staking(web3, staking)
    sender.send(wrapper.wire(beacon, NOBODY))
    if parameters.reward_pool_wei:
        sender.send(wrapper.fund_rewards(parameters.reward_pool_wei))
    return Deployment(
        web3.eth.chain_id,
        start,
        {
            name: _deployed(web3, address)
            for name, address in (("Staking", staking), ("LmsQuorum", quorum), ("Beacon", beacon))
        },
        [_deployed(web3, shard) for shard in shards],
        {"staking": dict(parameters.staking), "rounds": dict(parameters.rounds)},
        {
            "modelRoot": "0x" + genesis.model_root.hex(),
            "contentDigest": "0x" + genesis.content_digest.hex(),
            "architectureDigest": "0x" + genesis.architecture_digest.hex(),
        },
    )


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
