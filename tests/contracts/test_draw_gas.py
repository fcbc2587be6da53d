"""What the largest draw costs, from receipts: 1,000 shards of four seats, each part below 2^24 gas.

A harness draws more shards than a beacon accepts. 300 validators are bonded, and each part seats 256 of them. And what
the dearest opening costs: all that may be idle are passed over, 32 are benched, and 32 changes fall due.
"""

from brownie import Draw, DrawHarness, accounts

from tests.contracts.world import word

MOST_GAS = 2**24
SHARDS, SEATS, VALIDATORS = 1_000, 4, 300
IDLE, BENCHED, CHANGES, LAG = 64, 32, 32, 12


def test_each_part_of_the_largest_draw_fits_a_transaction(fn_isolation):
    paying = {"from": accounts[0]}
    harness = accounts[0].deploy(DrawHarness)
    draw = Draw.at(harness.draw())
    for first in range(1, VALIDATORS, 50):
        harness.bond(first, 50, word("anchor")[:28], 10**18, paying)
    opened = harness.open(SHARDS, SEATS, paying)
    gas = [opened.gas_used]
    while len(draw.seatsOf(1)) < SHARDS * SEATS:
        gas.append(draw.drawSeats(1, paying).gas_used)
    assert len(gas) == 16
    assert max(gas) < MOST_GAS
    seats = list(draw.seatsOf(1))
    assert all(len(set(seats[i : i + 256])) == len(seats[i : i + 256]) for i in range(0, len(seats), 256))
    assert list(draw.committee(1, 999)) == seats[-4:]


def test_the_dearest_opening_fits_a_transaction(fn_isolation):
    """All are visited, for there are no more validators, and another change follows each. Where 65,536 validators were
    ever bonded it is 4.5 million gas more, and half a million for each time as many again.
    """
    paying = {"from": accounts[0]}
    harness = accounts[0].deploy(DrawHarness)
    changing, idle = list(range(1, 1 + CHANGES)), list(range(300, 300 + IDLE))
    for first in range(1, 257 + BENCHED + IDLE, 32):
        harness.bond(first, 32, word("anchor")[:28], 10**18, paying)
    harness.open(64, 4, paying)
    for weight in (10**18 + 1, 10**18 + 2):
        harness.weigh(changing, [weight] * CHANGES, paying)
    for _ in range(LAG - 1):
        harness.open(64, 4, paying)
    harness.weigh(idle, [0] * IDLE, paying)
    opened = harness.open(64, 4, paying)
    assert len(opened.events["WeightCounted"]) == CHANGES
    assert opened.gas_used < 0.7 * MOST_GAS
