"""What a checkpoint costs with one BLS signature, from receipts of the whole transaction, by seats and place of keys.

`QFL_UPDATE_GAS=1 brownie test tests/contracts/test_bls_gas.py -o addopts=` rewrites `tests/bls_gas_snapshot.json`; read
its diff. Every seat signs, except where it says otherwise.
"""

import pytest
from brownie import chain

from tests.contracts.attesters import attested_by, entries_of, register
from tests.contracts.snapshots import require_as_committed
from tests.contracts.world import build, key_of

GAS_BETWEEN_RUNS = 4_000
"""Zeros in calldata and in points."""
SIGNED, SCATTERED = "register a key", "checkpoint, 64 of 64 seats, four pages"
SLACK = {SIGNED: 30_000, SCATTERED: 15_000}
"""Where an LMS signature is verified; where the draw decides how often the next seat's key is in another page."""
SIZES = (4, 8, 16, 32, 64)
BUDGETS = {"checkpoint, 64 of 64 seats, one page": 500_000}


class Town:
    """64 validators with BLS keys, whose committees have as many seats as it is told."""

    def __init__(self) -> None:
        self.world = build(clients=(), validators=(), quorum="bls", checkpointSeconds=600, turnSeconds=1)
        self.quorum, self.by = self.world.contracts.quorum, {"from": self.world.relayer}
        # One LMS key for all of them: what it signs says for whom.
        self.members = [self.world.bond(f"v{i}", "validator", key=key_of("all")) for i in range(64)]
        for member in self.members:
            self.registration = register(self.world, self.quorum, member)

    def pack(self, size: int) -> int:
        """Pack all keys into pages of `size`, and return the gas of the last one."""
        for first in range(0, len(self.members), size):
            packed = self.quorum.pack(entries_of(self.members[first : first + size]), self.by)
        return int(packed.gas_used)

    def checkpoint(self, seats: int, signing: int) -> int:
        """Gas of the checkpoint of a round with a committee of `seats`, of which the first `signing` signed."""
        rounds = self.world.rounds | {"seats": seats}
        self.world.beacon.setParameters(list(rounds.values()), {"from": self.world.owner})
        number = self.world.run_to_checkpoint_phase()
        checkpoint = self.world.checkpoint((), count=1, included=1)
        committee = dict(list(enumerate(self.world.seats(number)))[:signing])
        digest = self.world.domain(self.world.beacon).checkpoint(checkpoint)
        used = self.world.submit(checkpoint, attested_by(self.quorum, digest, committee)).gas_used
        self.world.reach(chain[-1].timestamp + rounds["checkpointSeconds"] + rounds["publishSeconds"])
        return int(used)


@pytest.fixture(scope="module")
def gas(module_isolation):
    town = Town()
    used = {SIGNED: int(town.registration.gas_used)}
    used["checkpoint, 64 of 64 seats, no page"] = town.checkpoint(64, 64)
    used["pack 16 keys"] = town.pack(16)
    used[SCATTERED] = town.checkpoint(64, 64)
    used["pack 64 keys, each already in a page"] = town.pack(64)
    used |= {f"checkpoint, {size} of {size} seats, one page": town.checkpoint(size, size) for size in SIZES}
    used["checkpoint, 43 of 64 seats, one page"] = town.checkpoint(64, 43)
    return used


@pytest.mark.parametrize("scenario", BUDGETS)
def test_gas_stays_within_budget(gas, scenario):
    assert gas[scenario] <= BUDGETS[scenario]


def test_gas_is_what_the_snapshot_says(gas):
    require_as_committed("bls_gas_snapshot", gas, lambda scenario: SLACK.get(scenario, GAS_BETWEEN_RUNS))
