"""What a deployment takes of each chain, and whether the chain gives it: nothing is sent."""

from __future__ import annotations

from qfl.chain.compiler import compile_contracts
from qfl.chain.creation import creation_call, creation_gas
from qfl.chain.deploy import QuorumContract, struct
from qfl.chain.parameters import ProtocolParameters
from qfl.chain.rpc.connection import url_of
from qfl.chain.rpc.rpc import rpc_at, wait_for
from qfl.chain.rpc.sender import GAS_MARGIN, Sender
from qfl.errors import ChainUnfit, ContractReverted

WIRING_GAS = 150_000
"""For what follows the creations: telling the contracts of each other, and filling the reward pool."""


def contracts_of_beacon(quorum: QuorumContract, shards: int, is_private: bool) -> list[str]:
    """What is created on the beacon's chain, with so many of the shards on it."""
    verifier = ["Groth16NormVerifier"] if is_private and shards else []
    return ["Staking", quorum.name, "Beacon", *verifier, *["Shard"] * shards, "Rewards", "Demands", "Disputes"]


def contracts_of_shard(is_private: bool) -> list[str]:
    """What is created on a shard's own chain."""
    return ["BeaconMirror", *(["Groth16NormVerifier"] if is_private else []), "Shard"]


def deployment_gas(names: list[str]) -> int:
    """About what creating contracts of these names takes, and making them known to each other."""
    artifacts = compile_contracts()
    return WIRING_GAS + sum(creation_gas(artifacts[name]) for name in names)


def require_room(sender: Sender, names: list[str]) -> None:
    """Make sure that the largest of the contracts fits into a block, as a `Sender` would ask for it.

    Raises:
        ChainUnfit: it does not. RpcRefused, ChainUnreachable, CompilerFailed.
    """
    artifacts, url = compile_contracts(), url_of(sender.web3)
    largest = max(names, key=lambda name: creation_gas(artifacts[name]))
    needed = int(GAS_MARGIN * creation_gas(artifacts[largest]))
    limit = int(wait_for(rpc_at(url).call("eth_getBlockByNumber", "latest", False))["gasLimit"], 16)
    if limit < needed:
        reason = f"a block takes {limit:,} gas, and creating {largest} needs {needed:,}"
        raise ChainUnfit(url, reason, "raise its block gas limit, or use another chain with --rpc")


def rehearse(sender: Sender, parameters: ProtocolParameters, quorum: QuorumContract) -> None:
    """Have the node try what can be tried alone: code as long as these contracts', their instructions, precompiles.

    Raises:
        ChainUnfit: it lacks what the quorum needs.
        ContractReverted: the parameters contradict each other. TransactionRefused, ChainUnreachable, CompilerFailed.
    """
    artifacts, web3 = compile_contracts(), sender.web3
    staking = artifacts["Staking"]
    sender.dry_run(creation_call(web3, staking, struct(staking, 0, parameters.staking)))
    try:
        sender.dry_run(creation_call(web3, artifacts[quorum.name], sender.address))
    except ContractReverted as refusal:
        if refusal.name != quorum.unfit:
            raise
        remedy = "choose --quorum lms, or another chain with --rpc"
        raise ChainUnfit(url_of(web3), f"it has no {quorum.needs}", remedy) from refusal
