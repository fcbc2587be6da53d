"""Measure this machine: run rounds of a few sizes, and fit the constants that they share.

What opening a round costs the beacon grows faster than the rest: it is measured beyond the rounds that are run.
"""

import os
import platform
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean

from experiments.consensus.bonded_deployment import BondedDeployment, made_up_keys
from experiments.scale.constants import (
    GAS,
    OPENING,
    STAGES,
    TRANSACTIONS,
    WORK,
    Coefficients,
    Constants,
    Costs,
    Law,
    Pace,
    fit,
    opening_counts,
)
from experiments.scale.measure import KEY_HEIGHT, ROUNDS, YARDSTICK, measure_beside_yardstick
from experiments.scale.size import Size
from qfl.chain.contracts.staking import Role
from qfl.chain.deploy import Genesis
from qfl.chain.parameters import load_parameters
from qfl.devnet.config import DevnetConfig
from qfl.devnet.devnet import Devnet
from qfl.protocol.content import HEADER_BYTES
from qfl.protocol.types import ModelShape
from qfl.quantum.architecture import Architecture

COMMAND = "qfl simulate --calibrate"
SIZES = (Size(4, 4, 1), YARDSTICK, Size(24, 12, 3), Size(48, 8, 2))
"""Small ones, none of those that `qfl simulate --check` runs; every count of the laws varies by itself."""
OPENED_BY, OPENED_SEATS = (32, 256), (4, 16, 64, 256)
"""Validators and seats of the rounds that are only opened."""
SEATS_A_SHARD = 4


def calibrate(announce: Callable[[str], None]) -> Constants:
    """Run `SIZES`, and open rounds of many seats.

    Raises:
        QflError: a run did not end well.
    """
    found = measure_beside_yardstick(SIZES, announce)
    usual = Pace(mean(pace.seconds for _, pace in found), mean(pace.work for _, pace in found))
    rounds = [measured.times(usual.over(pace)) for measured, pace in found]
    announce("opening rounds of up to 256 seats")
    return fit_constants(rounds, measure_opening(), _circumstances())


def fit_constants(rounds: Sequence[Costs], opening: Coefficients, made: Mapping[str, object]) -> Constants:
    """The constants of all laws from measured rounds."""
    counts = [measured.size.counts for measured in rounds]

    def fit_all(laws: Mapping[str, Law], found: Sequence[Mapping[str, float]]) -> dict[str, Coefficients]:
        return {
            name: fit(law, counts, [entry.get(name, 0.0) for entry in found])
            for name, law in laws.items()
            if any(name in entry for entry in found)
        }

    shape = Architecture().shape
    return Constants(
        {**made, "sizes": [str(measured.size) for measured in rounds]},
        fit_all(STAGES, [measured.seconds for measured in rounds]),
        fit_all(WORK, [measured.work for measured in rounds]),
        fit_all(GAS, [measured.gas for measured in rounds]),
        fit_all(TRANSACTIONS, [measured.sent for measured in rounds]),
        opening,
        round(mean(measured.update_bytes for measured in rounds)),
        HEADER_BYTES + 4 * shape.total,
    )


def measure_opening() -> Coefficients:
    """Open rounds of growing size on a chain of its own, and fit the gas of their receipts."""
    counts, gas = [], []
    with (
        tempfile.TemporaryDirectory(prefix="qfl-opening-") as folder,
        Devnet(DevnetConfig(Path(folder), with_ipfs=False)) as devnet,
    ):
        empty = Genesis(bytes(32), bytes(32), bytes(32), ModelShape(1, 0))
        deployed, keys, bonded = BondedDeployment(devnet.rpc_url, genesis=empty), made_up_keys(max(OPENED_BY)), 0
        for validators in OPENED_BY:
            deployed.bond_keys(Role.VALIDATOR, keys[bonded:validators])
            bonded = validators
            for seats in (seats for seats in OPENED_SEATS if seats <= validators):
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


def _circumstances() -> dict[str, object]:
    return {
        "command": COMMAND,
        "date": time.strftime("%Y-%m-%d"),
        "processor": _processor(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "rounds": ROUNDS,
        "key_height": KEY_HEIGHT,
    }


def _processor() -> str:
    """The processor's name, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
