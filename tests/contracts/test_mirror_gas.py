"""What keeping a mirror costs on its shard's chain, from receipts, near the committed snapshot.

`QFL_UPDATE_GAS=1 brownie test tests/contracts/test_mirror_gas.py -o addopts=` rewrites
`tests/mirror_gas_snapshot.json`; read its diff. Keys are of height 10, as in use.
"""

import pytest
from brownie import chain

from qfl.crypto.lms import LmsSecret
from tests.contracts.mirrors import Glass, put_up
from tests.contracts.snapshots import require_as_committed
from tests.contracts.world import build, word

GAS_BETWEEN_SIGNATURES = 15_000


def tall_key(name: str) -> LmsSecret:
    return LmsSecret.derive(10, word(name)[:16], word(name + "'s seed")[:24])


def build_glass(seats: int) -> Glass:
    """As many validators as seats, so that every committee has all of them; four clients."""
    world = build(clients=(), validators=(), seats=seats)
    clients = [world.bond(name, "client") for name in ("ada", "ben", "cleo", "dora")]
    for number in range(seats):
        world.bond(f"validator {number}", "validator", key=tall_key(f"validator {number}"))
    world.open()
    return put_up(world, clients)


def gas_of(seats: int) -> dict[str, int]:
    """The gas of each message with committees of this size."""
    glass = build_glass(seats)
    world, quorum = glass.world, range((2 * seats + 2) // 3)
    used: dict[str, int] = {}
    glass.begin()
    used["begin"] = chain[-1].gasUsed
    used["admit one of four clients"] = glass.admit(world.ada).gas_used
    used["commit by key, the round's first and the client's"] = world.commit_by_key(
        world.ada, shard=glass.shard
    ).gas_used
    glass.next_round()
    message = glass.message(previous=1)
    seated = world.seats(1)
    bundle = glass.sign(message, seated, tuple(quorum))
    signature = bundle[10 : 10 + int.from_bytes(bundle[8:10])]
    by = {"from": world.relayer}
    digest = world.domain(glass.mirror).mirror_message(message)
    used["countersign"] = glass.mirror.countersign(2, seated[0].id, 0, digest, signature, by).gas_used
    used["advance"] = glass.advance(message, 1, bundle).gas_used
    return {f"{name}, {seats} seats": gas for name, gas in used.items()}


@pytest.fixture(scope="module")
def gas(module_isolation: None) -> dict[str, int]:
    return gas_of(4) | gas_of(16)


def test_gas_is_what_the_snapshot_says(gas: dict[str, int]) -> None:
    signatures = {"advance, 4 seats": 3, "advance, 16 seats": 11}

    def slack_of(scenario: str) -> int:
        return 1_000 + GAS_BETWEEN_SIGNATURES * signatures.get(scenario, 0)

    require_as_committed("mirror_gas_snapshot", gas, slack_of)


def test_a_hand_over_costs_no_more_than_a_checkpoint_may(gas: dict[str, int]) -> None:
    assert gas["advance, 4 seats"] <= 700_000
    assert gas["admit one of four clients, 4 seats"] <= 105_000
