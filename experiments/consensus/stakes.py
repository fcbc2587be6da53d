"""What became of every stake of a finished run, read from its chain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qfl.chain.contracts.staking import Role, Staking
from qfl.chain.deployment import Deployment
from qfl.chain.rpc.connection import connect
from qfl.devnet.devnet import Devnet
from qfl.simulation.folder import kept_devnet


def audit_stakes(folder: Path) -> dict[str, int]:
    """Of the participants of the run in `folder`: how many there were, have withdrawn, have lost any of their stake.

    A stake is lost unless it is there in full, or was paid back in full with whatever was earned.
    """
    deployment = Deployment.load(folder / "deployment.json")
    beacon_chain = replace(kept_devnet(folder, with_ipfs=False), shard_chains=0)  # stakes are nowhere else
    with Devnet(beacon_chain) as devnet:
        staking = Staking(connect(devnet.rpc_url), deployment.contracts["Staking"].address)
        bondings = staking.bondings(deployment.block)
        withdrawals = staking.withdrawals(deployment.block)
        records = {bonding.id: staking.participant(bonding.id) for bonding in bondings}
    kept = [
        withdrawals.get(bonding.id, 0) if records[bonding.id].role is Role.NONE else records[bonding.id].stake_wei
        for bonding in bondings
    ]
    lost = sum(found < bonding.stake_wei for found, bonding in zip(kept, bondings, strict=True))
    return {"participants": len(bondings), "withdrawn": len(withdrawals), "lost": lost}
