"""What the beacon pays for committees of many sizes, from receipts: it grows with shards and seats, never with clients.

`QFL_UPDATE_GAS=1 brownie test tests/contracts/test_committee_gas.py -o addopts=` rewrites
`tests/committee_gas_snapshot.json`; read its diff. 64 validators are bonded; what a checkpoint costs with its
signatures is in the other snapshots.
"""

import pytest

from tests.contracts.snapshots import require_as_committed
from tests.contracts.world import build, key_of

SIZES = ((1, 4), (4, 4), (8, 4), (1, 8), (8, 8), (1, 16), (1, 32), (1, 64))
"""Shards, and seats of each."""
BLOCK = 30_000_000
GAS_BETWEEN_ORDERS = 60_000
"""Between draws of the same validators in another order."""
GAS_BETWEEN_DRAWS = 100_000
"""Who is drawn decides how many of the stake tree's 64 nodes are read, at 2,100 gas each, and who is passed over."""


@pytest.fixture(scope="module")
def gas(module_isolation, disputes):
    """Gas of opening a round, by shards and seats. The first round of a deployment, which writes more, is not one."""
    world = build(clients=(), validators=(), disputes=disputes)
    for i in range(64):
        world.bond(f"v{i}", "validator", key=key_of("all"))
    used = {}
    for shards, seats in ((1, 1), *SIZES):
        rounds = world.rounds | {"shards": shards, "seats": seats}
        world.beacon.setParameters(list(rounds.values()), {"from": world.owner})
        opened = world.beacon.openRound({"from": world.relayer})
        used[f"open a round of {shards} x {seats} seats"] = opened.gas_used
        drawn = list(opened.events["SeatsDrawn"]["validators"])
        number = world.beacon.currentRound()
        assert [v for s in range(shards) for v in world.beacon.committee(number, s)] == drawn
        world.reach(world.ends_at("publish"))
    del used["open a round of 1 x 1 seats"]
    return used


def test_the_largest_committees_fit_a_block(gas):
    assert max(gas.values()) <= BLOCK


def test_a_seat_costs_the_same_in_many_shards_as_in_one(gas):
    """Nothing is paid for a shard but its seats."""
    many, one = gas["open a round of 8 x 8 seats"], gas["open a round of 1 x 64 seats"]
    assert abs(many - one) <= GAS_BETWEEN_ORDERS


def test_gas_is_what_the_snapshot_says(gas):
    require_as_committed("committee_gas_snapshot", gas, lambda _scenario: GAS_BETWEEN_DRAWS)
