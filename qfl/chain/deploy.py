"""Deploys the contracts with web3. `scripts/deploy.py` does the same for Brownie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_typing import HexAddress, HexStr
from web3 import Web3
from web3.types import Nonce
from web3.utils.address import get_create_address

from qfl.chain.compiler import Artifact, compile_contracts
from qfl.chain.contracts.staking import Staking
from qfl.chain.creation import NOBODY, create, deployed_at
from qfl.chain.deployment import DeployedContract, Deployment, ShardChain
from qfl.chain.parameters import ProtocolParameters
from qfl.chain.rpc.connection import block_number, chain_id_of, reaching, url_of
from qfl.chain.rpc.sender import Sender
from qfl.crypto.norm.keys import VerifyingKey
from qfl.errors import AddressTaken, InvalidInput
from qfl.protocol.types import ModelShape, ShardIndex


@dataclass(frozen=True)
class QuorumContract:
    """What verifies a committee's attestations: a contract that is made of the staking contract.

    Attributes:
        name: the contract's.
        needs: what it needs of a chain that not every chain has.
        unfit: the error with which it refuses to be created where that is missing.
    """

    name: str
    needs: str = ""
    unfit: str = ""


LMS_QUORUM = QuorumContract("LmsQuorum")


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
    quorum: QuorumContract = LMS_QUORUM,
    shard_senders: Sequence[Sender] = (),
) -> Deployment:
    """Deploy everything, wire it, fund the reward pool; the sender's account becomes the owner.

    Args:
        verifying_key: for the private mode: what every reveal's norm proof is checked with, from now on.
        quorum: what verifies how committees sign.
        shard_senders: one for each shard, on the chain of its own that the shard is to live on; none: all shards live
            on the beacon's. `Disputes` knows the shards of its own chain only.

    Raises:
        InvalidInput: the key's circuit is too small for the model, or there are more or fewer chains than shards;
            nothing was sent.
        ContractReverted: the parameters contradict each other; the error names the field.
        AddressTaken: the account sent something else meanwhile.
        CompilerFailed, InsufficientFunds.
    """
    if verifying_key is not None:
        check_capacity(verifying_key, genesis.shape)
    if shard_senders and len(shard_senders) != parameters.rounds["shards"]:
        remedy = f"the job has {parameters.rounds['shards']} shards: give each a chain of its own, or none"
        raise InvalidInput("chains of shards", len(shard_senders), remedy)
    start, shard_count = block_number(web3), 0 if shard_senders else parameters.rounds["shards"]
    artifacts = compile_contracts()
    staking = create(sender, artifacts["Staking"], struct(artifacts["Staking"], 0, parameters.staking))
    named = {"Staking": staking, quorum.name: create(sender, artifacts[quorum.name], staking)}
    # The beacon takes the disputes contract's address, and the other way round; so this one is foretold.
    disputes_expected = _next_address(
        web3, sender, after=3 + (verifying_key is not None and shard_count > 0) + shard_count
    )
    beacon_code = artifacts["Beacon"]
    genesis_values = {
        "root": genesis.model_root,
        "modelRoot": genesis.model_root,
        "contentDigest": genesis.content_digest,
        "architectureDigest": genesis.architecture_digest,
        "quantumLength": genesis.shape.quantum,
        "classicalLength": genesis.shape.classical,
    }
    beacon = named["Beacon"] = create(
        sender,
        beacon_code,
        *(staking, named[quorum.name]),
        struct(beacon_code, 2, genesis_values),
        struct(beacon_code, 3, parameters.rounds),
        *(disputes_expected, sender.address),
    )
    if verifying_key is not None and shard_count:
        code, arguments = artifacts["Groth16NormVerifier"], verifying_key.constructor_arguments()
        named["NormVerifier"] = create(sender, code, *arguments)
    verifier = named.get("NormVerifier", NOBODY)
    shards = [create(sender, artifacts["Shard"], beacon, i, verifier) for i in range(shard_count)]
    rewards = named["Rewards"] = create(sender, artifacts["Rewards"], beacon, staking)
    demands_code, is_private = artifacts["Demands"], verifying_key is not None
    demanding = struct(demands_code, 2, parameters.demands)
    demands = named["Demands"] = create(sender, demands_code, beacon, is_private, demanding)
    if (disputes := _next_address(web3, sender)) != disputes_expected:
        raise AddressTaken("Disputes", disputes_expected, disputes)
    named["Disputes"] = create(sender, artifacts["Disputes"], beacon, staking, shards, demands)
    wrapper = Staking(web3, staking)
    sender.send(wrapper.wire(beacon, disputes, rewards))
    if parameters.reward_pool_wei:
        sender.send(wrapper.fund_rewards(parameters.reward_pool_wei))
    away = [deploy_shard(own, ShardIndex(i), verifying_key) for i, own in enumerate(shard_senders)]
    return Deployment(
        chain_id_of(web3),
        start,
        {name: deployed_at(web3, address) for name, address in named.items()},
        [deployed_at(web3, shard) for shard in shards] + [shard for shard, _ in away],
        {name: dict(getattr(parameters, name)) for name in ("staking", "rounds", "demands")},
        {
            "modelRoot": "0x" + genesis.model_root.hex(),
            "contentDigest": "0x" + genesis.content_digest.hex(),
            "architectureDigest": "0x" + genesis.architecture_digest.hex(),
        },
        [chain for _, chain in away],
    )


def deploy_shard(
    sender: Sender, shard: ShardIndex, verifying_key: VerifyingKey | None = None
) -> tuple[DeployedContract, ShardChain]:
    """Deploy a shard on the sender's chain: a mirror of the beacon, the shard, and in private mode a verifier.

    The sender's account may send the mirror's first message.

    Raises:
        CompilerFailed, InsufficientFunds, ChainUnreachable.
    """
    web3, artifacts = sender.web3, compile_contracts()
    start, verifier = block_number(web3), NOBODY
    mirror = create(sender, artifacts["BeaconMirror"], shard)
    if verifying_key is not None:
        verifier = create(sender, artifacts["Groth16NormVerifier"], *verifying_key.constructor_arguments())
    address = create(sender, artifacts["Shard"], mirror, shard, verifier)
    chain = ShardChain(sender.chain_id, start, url_of(web3), deployed_at(web3, mirror))
    return deployed_at(web3, address), chain


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
    with reaching(url_of(web3)):
        nonce = web3.eth.get_transaction_count(Web3.to_checksum_address(sender.address), "pending")
    return str(get_create_address(HexAddress(HexStr(sender.address)), Nonce(nonce + after)))


def struct(artifact: Artifact, position: int, values: Any) -> tuple[object, ...]:
    """The struct that a constructor takes at `position`, of `values` by the names of its members."""
    (constructor,) = (entry for entry in artifact.abi if entry["type"] == "constructor")
    return tuple(values[member["name"]] for member in constructor["inputs"][position]["components"])
