"""Deploys the contracts with web3, and rehearses that. `scripts/deploy.py` deploys for Brownie."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from eth_typing import HexAddress, HexStr
from eth_utils.address import to_checksum_address
from web3 import Web3
from web3.types import Nonce
from web3.utils.address import get_create_address

from qfl.chain.clock import is_development_chain
from qfl.chain.compiler import compile_contracts
from qfl.chain.contracts.staking import Staking
from qfl.chain.deployment import DeployedContract, Deployment, ShardChain, code_hash
from qfl.chain.parameters import ProtocolParameters
from qfl.chain.rpc.connection import block_number, reaching, url_of
from qfl.chain.rpc.rpc import rpc_at, wait_for
from qfl.chain.rpc.sender import GAS_MARGIN, Sender
from qfl.crypto.hash_chain import link_domain
from qfl.crypto.norm.keys import VerifyingKey
from qfl.errors import AddressTaken, ChainUnfit, InvalidInput
from qfl.protocol.types import ModelShape, ShardIndex

NOBODY = "0x" + "00" * 20
"""The address that stands for no contract."""
WIRING_GAS = 150_000
"""For what follows the creations: telling the contracts of each other, and filling the reward pool."""


@dataclass(frozen=True)
class QuorumContract:
    """What verifies a committee's attestations: a contract that is made of the staking contract.

    Attributes:
        name: the contract's.
        arguments: what else it is made of, from the parameters.
    """

    name: str
    arguments: Callable[[ProtocolParameters], Sequence[int]] = field(default=lambda _parameters: ())


@dataclass(frozen=True)
class Genesis:
    """The model that round 1 trains on: `Chunks` root, content digest, and its architecture document's digest."""

    model_root: bytes
    content_digest: bytes
    architecture_digest: bytes
    shape: ModelShape


def deploy(
    sender: Sender,
    parameters: ProtocolParameters,
    *,
    genesis: Genesis,
    quorum: QuorumContract,
    verifying_key: VerifyingKey | None = None,
    shard_senders: Sequence[Sender] = (),
) -> Deployment:
    """Deploy everything, wire it, fund the reward pool; the sender's account becomes the owner.

    Args:
        quorum: what verifies how committees sign.
        verifying_key: for the private mode: what every reveal's norm proof is checked with, from now on.
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
    web3, shard_count = sender.web3, 0 if shard_senders else parameters.rounds["shards"]
    start, code = block_number(web3), compile_contracts()
    staking = create(sender, "Staking", code["Staking"].struct(0, parameters.staking))
    # Before the rest: the beacon's chain must know where the mirrors are, and of it they need this domain alone.
    domain = link_domain(sender.chain_id, staking)
    away = [_deploy_shard(own, ShardIndex(i), domain, verifying_key) for i, own in enumerate(shard_senders)]
    draw = create(sender, "Draw", staking)
    verifies = create(sender, quorum.name, staking, *quorum.arguments(parameters))
    named = {"Staking": staking, "Draw": draw, quorum.name: verifies}
    has_verifier = verifying_key is not None and shard_count > 0
    # The beacon takes the disputes contract's address, and the other way round; so this one is foretold.
    disputes_expected = _next_address(sender, after=3 + has_verifier + shard_count + bool(away))
    digests = {
        "modelRoot": genesis.model_root,
        "contentDigest": genesis.content_digest,
        "architectureDigest": genesis.architecture_digest,
    }
    lengths = {"quantumLength": genesis.shape.quantum, "classicalLength": genesis.shape.classical}
    model = code["Beacon"].struct(2, {"root": genesis.model_root, **digests, **lengths})
    rounds = code["Beacon"].struct(3, parameters.rounds)
    beacon = create(
        sender, "Beacon", staking, named[quorum.name], model, rounds, draw, disputes_expected, sender.address
    )
    named["Beacon"] = beacon
    if verifying_key is not None and has_verifier:
        named["NormVerifier"] = _create_verifier(sender, verifying_key)
    verifier = named.get("NormVerifier", NOBODY)
    shards = [create(sender, "Shard", beacon, i, verifier, staking) for i in range(shard_count)]
    rewards = named["Rewards"] = create(sender, "Rewards", beacon, staking)
    demanding = code["Demands"].struct(2, parameters.demands)
    demands = named["Demands"] = create(sender, "Demands", beacon, verifying_key is not None, demanding)
    if away:
        mirrors = [(chain.chainId, chain.mirror.address) for _, chain in away]
        named["MirrorFaults"] = create(sender, "MirrorFaults", beacon, mirrors)
    if (disputes := _next_address(sender)) != disputes_expected:
        raise AddressTaken("Disputes", disputes_expected, disputes)
    mirror_faults = named.get("MirrorFaults", NOBODY)
    named["Disputes"] = create(sender, "Disputes", beacon, staking, shards, demands, mirror_faults)
    wrapper = Staking(web3, staking)
    sender.send(wrapper.wire(beacon, draw=draw, disputes=disputes, rewards=rewards))
    if parameters.reward_pool_wei:
        sender.send(wrapper.fund_rewards(parameters.reward_pool_wei))
    return Deployment(
        sender.chain_id,
        start,
        {name: _deployed_at(web3, address) for name, address in named.items()},
        [_deployed_at(web3, shard) for shard in shards] + [shard for shard, _ in away],
        {name: dict(getattr(parameters, name)) for name in ("staking", "rounds", "demands")},
        {name: "0x" + digest.hex() for name, digest in digests.items()},
        [chain for _, chain in away],
        confirmations_of(web3),
    )


def confirmations_of(web3: Web3) -> int | None:
    """What `Deployment.confirmations` is on a chain unless somebody edits the file: on one for development, none."""
    return 0 if is_development_chain(web3) else None


def create(sender: Sender, name: str, *arguments: object) -> str:
    """Create the contract of this name on the sender's chain; its address. Raises as `Sender.send_raw`."""
    _, receipt = sender.send_raw(compile_contracts()[name].creation(*arguments))
    return str(to_checksum_address(receipt["contractAddress"]))


def _deploy_shard(
    sender: Sender, shard: ShardIndex, domain: bytes, verifying_key: VerifyingKey | None
) -> tuple[DeployedContract, ShardChain]:
    """Deploy a shard on the sender's chain: a mirror of the beacon, the shard, and in private mode a verifier.

    The sender's account may send the mirror's first message. `domain` is what clients' links are hashed with.
    """
    web3, start = sender.web3, block_number(sender.web3)
    mirror = create(sender, "BeaconMirror", shard, domain)
    verifier = NOBODY if verifying_key is None else _create_verifier(sender, verifying_key)
    address = create(sender, "Shard", mirror, shard, verifier, mirror)
    place = sender.chain_id, start, url_of(web3), _deployed_at(web3, mirror)
    return _deployed_at(web3, address), ShardChain(*place, confirmations_of(web3))


def _create_verifier(sender: Sender, key: VerifyingKey) -> str:
    return create(sender, "Groth16NormVerifier", *key.constructor_arguments())


def check_capacity(verifying_key: VerifyingKey, shape: ModelShape) -> None:
    """Raise `InvalidInput` where a key's circuit is too small for the model: no update could ever be revealed."""
    if verifying_key.capacity < shape.total:
        remedy = f"the model has {shape.total} coordinates; make a key with `qfl zk setup --lanes {shape.total}`"
        raise InvalidInput("lanes of the verifying key", verifying_key.capacity, remedy)


def _next_address(sender: Sender, after: int = 0) -> str:
    """Where the sender's next contract will be, or the one `after` that many transactions."""
    with reaching(url_of(sender.web3)):
        nonce = sender.web3.eth.get_transaction_count(to_checksum_address(sender.address), "pending")
    return str(get_create_address(HexAddress(HexStr(sender.address)), Nonce(nonce + after)))


def _deployed_at(web3: Web3, address: str) -> DeployedContract:
    """The contract at `address` with the hash of the code it has now."""
    return DeployedContract(address, code_hash(web3, address))


# --- the rehearsal: nothing is sent ---


def contracts_of_beacon(quorum: QuorumContract, shards: int, *, is_private: bool) -> list[str]:
    """What is created on the beacon's chain, with so many of the shards on it; none: all are on chains of their own."""
    verifier = ["Groth16NormVerifier"] if is_private and shards else []
    own = [*verifier, *["Shard"] * shards]
    mirrors = [] if shards else ["MirrorFaults"]
    return ["Staking", "Draw", quorum.name, "Beacon", *own, "Rewards", "Demands", *mirrors, "Disputes"]


def contracts_of_shard(is_private: bool) -> list[str]:
    """What is created on a shard's own chain."""
    return ["BeaconMirror", *(["Groth16NormVerifier"] if is_private else []), "Shard"]


def deployment_gas(names: list[str]) -> int:
    """About what creating contracts of these names takes, and making them known to each other."""
    artifacts = compile_contracts()
    return WIRING_GAS + sum(artifacts[name].creation_gas for name in names)


def require_room(sender: Sender, names: list[str]) -> None:
    """Make sure that the largest of the contracts fits into a block, as a `Sender` would ask for it.

    Raises:
        ChainUnfit: it does not. RpcRefused, ChainUnreachable, CompilerFailed.
    """
    url = url_of(sender.web3)
    largest = max((compile_contracts()[name] for name in names), key=lambda artifact: artifact.creation_gas)
    needed = int(GAS_MARGIN * largest.creation_gas)
    limit = int(wait_for(rpc_at(url).call("eth_getBlockByNumber", "latest", False))["gasLimit"], 16)
    if limit < needed:
        reason = f"a block takes {limit:,} gas, and creating {largest.name} needs {needed:,}"
        raise ChainUnfit(url, reason, "raise its block gas limit, or use another chain with --rpc")


def rehearse(sender: Sender, parameters: ProtocolParameters, *, quorum: QuorumContract) -> None:
    """Have the node try what can be tried alone: code as long as these contracts', their instructions.

    Raises:
        ContractReverted: the parameters contradict each other. TransactionRefused, ChainUnreachable, CompilerFailed.
    """
    artifacts = compile_contracts()
    staking = artifacts["Staking"]
    sender.dry_run(staking.creation(staking.struct(0, parameters.staking)))
    sender.dry_run(artifacts[quorum.name].creation(sender.address, *quorum.arguments(parameters)))
