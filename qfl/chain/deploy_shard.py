"""Deploys a shard on a chain of its own: a mirror of the beacon, the shard, and in private mode a verifier."""

from __future__ import annotations

from qfl.chain.compiler import compile_contracts
from qfl.chain.creation import NOBODY, create, deployed_at
from qfl.chain.deployment import DeployedContract, ShardChain
from qfl.chain.rpc.connection import block_number, url_of
from qfl.chain.rpc.sender import Sender
from qfl.crypto.norm.keys import VerifyingKey
from qfl.protocol.types import ShardIndex


def deploy_shard(
    sender: Sender, shard: ShardIndex, verifying_key: VerifyingKey | None = None
) -> tuple[DeployedContract, ShardChain]:
    """Deploy one shard on the sender's chain; the sender's account may send the mirror's first message.

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
