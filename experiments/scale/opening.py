"""What opening a round costs the beacon: measured beyond the rounds that are run, as it grows faster than the rest."""

from __future__ import annotations

import tempfile
from pathlib import Path

from experiments.consensus.bonded_deployment import BondedDeployment, made_up_keys
from experiments.scale.laws import OPENING, Coefficients, fit, opening_counts
from qfl.chain.contracts.staking import Role
from qfl.chain.deploy import Genesis
from qfl.chain.parameters import load_parameters
from qfl.devnet.config import DevnetConfig
from qfl.devnet.devnet import Devnet
from qfl.protocol.types import ModelShape

VALIDATORS = (32, 256)
SEATS = (4, 16, 64, 256)
SEATS_A_SHARD = 4


def measure_opening() -> Coefficients:
    """Open rounds of growing size on a chain of its own, and fit the gas of their receipts."""
    counts, gas = [], []
    with (
        tempfile.TemporaryDirectory(prefix="qfl-opening-") as folder,
        Devnet(DevnetConfig(Path(folder), with_ipfs=False)) as devnet,
    ):
        empty = Genesis(bytes(32), bytes(32), bytes(32), ModelShape(1, 0))
        deployed, keys, bonded = BondedDeployment(devnet.rpc_url, genesis=empty), made_up_keys(max(VALIDATORS)), 0
        for validators in VALIDATORS:
            deployed.bond_keys(Role.VALIDATOR, keys[bonded:validators])
            bonded = validators
            for seats in (seats for seats in SEATS if seats <= validators):
                counts.append(opening_counts(validators, seats))
                gas.append(gas_of_opening(deployed, seats))
    return fit(OPENING, counts, gas)


def gas_of_opening(deployed: BondedDeployment, seats: int) -> int:
    """Gas of opening a round with that many seats; nobody takes part, so it fails, and the next one can be opened."""
    beacon, shape = deployed.ledger.beacon, {"shards": max(1, seats // SEATS_A_SHARD), "seats": SEATS_A_SHARD}
    deployed.sender.send(beacon.set_parameters({**load_parameters().rounds, **shape}))
    gas = deployed.sender.send(beacon.open_round()).gas
    deployed.clock.reach(beacon.round_at(beacon.current_round()).publish_ends_at + 1)
    return gas
