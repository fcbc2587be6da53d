"""`qfl.protocol.draw` beside the contract: any weights, changes and rounds give the same seats, seed by seed."""

import pytest
from brownie import Draw, DrawHarness, accounts
from hypothesis import given, settings
from hypothesis import strategies as st

from qfl.protocol import draw as python
from tests.contracts.world import word

VALIDATORS = 12
CHANGES = st.lists(st.tuples(st.integers(1, VALIDATORS), st.sampled_from([0, 1, 3, 10**18])), max_size=5)
SHAPES = st.sampled_from([(1, 4), (2, 3), (1, 2), (2, 4)])
ROUNDS = st.lists(st.tuples(CHANGES, SHAPES, st.booleans()), min_size=2, max_size=8)


@settings(max_examples=12)
@given(stakes=st.lists(st.integers(1, 2**80), min_size=VALIDATORS, max_size=VALIDATORS), rounds=ROUNDS)
def test_both_draw_the_same(module_isolation, stakes, rounds):
    """Nobody shows a link: seeds are the contract's own. First seats are benched, or their round fails before that."""
    by = {"from": accounts[0]}
    harness = accounts[0].deploy(DrawHarness)
    contract, mirror = Draw.at(harness.draw()), python.Draw()
    harness.weigh(list(range(1, VALIDATORS + 1)), stakes, by)
    for number, stake in enumerate(stakes, start=1):
        mirror.weigh(number, stake)
    for number, (changes, (shards, seats), again) in enumerate(rounds, start=1):
        for validator, weight in changes:
            if weight or sum(w > 0 for w in mirror.weights.values()) > 8:  # enough for any of the committees
                harness.weigh([validator], [weight], by)
                mirror.weigh(validator, weight)
        (harness.openAgain if again else harness.open)(shards, seats, by)
        seed = bytes(contract.drawOf(number)["seed"])
        if number > 1:
            assert seed == python.next_seed(mirror.seed, number, None, is_cut_short=again)
        silent = [] if again else mirror.linkers
        assert list(contract.seatsOf(number)) == mirror.open(seed, shards, seats, silent=silent)
        assert contract.drawOf(number)["standIns"] == sum(1 << seat for seat in mirror.stand_ins)
        assert [contract.weightOf(v) for v in mirror.counted] == list(mirror.counted.values())


@pytest.mark.rest
def test_both_let_the_same_changes_count_where_many_have_left(fn_isolation):
    """Some were topped up before they left: theirs is one change that leaves them idle, and one that follows."""
    by = {"from": accounts[0]}
    harness = accounts[0].deploy(DrawHarness)
    contract, mirror = Draw.at(harness.draw()), python.Draw()
    validators = list(range(1, 385))

    def weigh(ids, weight):
        for i in range(0, len(ids), 64):
            harness.weigh(ids[i : i + 64], [weight] * len(ids[i : i + 64]), by)
        for validator in ids:
            mirror.weigh(validator, weight)

    def open_both(shards):
        harness.open(shards, 4, by)
        drawn = mirror.open(bytes(contract.drawOf(mirror.round + 1)["seed"]), shards, 4, silent=mirror.linkers)
        assert list(contract.seatsOf(mirror.round)) == drawn
        assert [contract.weightOf(v) for v in mirror.counted] == list(mirror.counted.values())

    weigh(validators, 10**18)
    open_both(1)
    weigh(validators[:16], 2 * 10**18)
    weigh(validators[:80], 0)
    open_both(64)
    assert list(mirror.counted.values())[:33] == [2 * 10**18] * 16 + [0] * 16 + [10**18]
    for _ in range(2 * python.LAG):
        open_both(1)
    assert not mirror.has_waiting and not any(list(mirror.counted.values())[:80])


def test_seeds_of_parts_are_the_contracts(fn_isolation):
    by = {"from": accounts[0]}
    harness = accounts[0].deploy(DrawHarness)
    contract, mirror = Draw.at(harness.draw()), python.Draw()
    for first in range(1, 257, 64):
        harness.bond(first, 64, word("anchor")[:28], 10**18, by)
    for number in range(1, 257):
        mirror.weigh(number, 10**18)
    harness.open(9, 64, by)
    for _ in range(2):
        contract.drawSeats(1, by)
    assert list(contract.seatsOf(1)) == mirror.open(bytes(contract.drawOf(1)["seed"]), 9, 64)
