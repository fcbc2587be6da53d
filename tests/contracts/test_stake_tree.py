"""StakeTree: sums, weights, and the draw.

append/setWeight  every prefix stays right (a Python list beside it) · reverts: more than 96 bits together
draw              the very members that the mirror draws, for any weights and seeds · no member twice ·
                  never a member of weight 0 · in proportion to weight, first and later draws alike · the same with a
                  wei more
"""

from collections import Counter
from itertools import accumulate, permutations

import pytest
from brownie import StakeTreeHarness, accounts
from brownie.exceptions import VirtualMachineError
from eth_abi import encode
from eth_utils import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.world import word

WEIGHTS = st.lists(st.one_of(st.just(0), st.integers(1, 2**80)), min_size=1, max_size=12)
CHANGES = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 2**80)), max_size=4)


@pytest.fixture(scope="module")
def new_tree(module_isolation):
    """Makes trees; member `100 + i` has weight number i."""

    def make(weights):
        tree = accounts[0].deploy(StakeTreeHarness)
        tree.append([100 + i for i in range(len(weights))], weights, {"from": accounts[0]})
        return tree

    return make


def draw(weights, seed, count):
    """What `StakeTree.draw` must give: walk the line of those left, member by member."""
    left = dict(enumerate(weights))
    for i in range(count):
        share = int.from_bytes(keccak(encode(["bytes32", "uint256"], [seed, i]))[:20])
        target = share * sum(left.values()) >> 160
        members = list(left)
        chosen = next(m for m, end in zip(members, accumulate(left.values()), strict=True) if target < end)
        yield 100 + chosen
        del left[chosen]


def test_append_reverts_when_the_sum_exceeds_96_bits(new_tree):
    tree = new_tree([2**95])
    with pytest.raises(VirtualMachineError):
        tree.append([7], [2**95], {"from": accounts[0]})


def test_set_weight_reverts_when_the_sum_exceeds_96_bits(new_tree):
    tree = new_tree([2**95, 1])
    with pytest.raises(VirtualMachineError):
        tree.setWeight(2, 2**95, {"from": accounts[0]})


def test_an_empty_tree_weighs_nothing(new_tree):
    assert new_tree([]).total() == 0


@settings(max_examples=15)
@given(weights=WEIGHTS, changes=CHANGES, data=st.data())
def test_draw_picks_whom_the_mirror_picks(new_tree, weights, changes, data):
    tree, weights = new_tree(weights), list(weights)
    for position, weight in changes:
        if position < len(weights):
            tree.setWeight(position + 1, weight, {"from": accounts[0]})
            weights[position] = weight
    assert tree.total() == sum(weights)
    assert [tree.weightAt(i + 1) for i in range(len(weights))] == weights
    drawable = sum(weight > 0 for weight in weights)
    count = data.draw(st.integers(0, drawable))
    seeds = [word(f"{weights} {i}") for i in range(4)]
    assert [list(ids) for ids in tree.drawMany(seeds, count)] == [list(draw(weights, s, count)) for s in seeds]


def test_draw_takes_everyone_once_and_nobody_without_weight(new_tree):
    weights = [3, 0, 1, 2**90, 0, 7, 7, 1]
    (ids,) = new_tree(weights).drawMany([word("seed")], 6)
    assert sorted(ids) == [100, 102, 103, 105, 106, 107]


def test_draw_is_in_proportion_to_weight(new_tree):
    """Successive sampling of two from (1, 2, 5): P(a then b) = w_a / 8 * w_b / (8 - w_a), worked out by hand.

    1500 seeds: the expected counts are 500/7 and up, and 5 standard deviations make a wrong rule, such as drawing
    by position, or keeping the first one in the urn, fail while a right one passes (the seeds are fixed).
    """
    weights, count = [1, 2, 5], 1500
    tree = new_tree(weights)
    seeds = [word(f"seed {i}") for i in range(count)]
    draws = [pair for i in range(0, count, 300) for pair in tree.drawMany(seeds[i : i + 300], 2)]
    seen = Counter((a - 100, b - 100) for a, b in draws)
    for a, b in permutations(range(3), 2):
        probability = weights[a] / 8 * weights[b] / (8 - weights[a])
        deviation = (count * probability * (1 - probability)) ** 0.5
        assert abs(seen[a, b] - count * probability) < 5 * deviation


def test_a_wei_more_draws_nobody_else(new_tree):
    """Stakes may move in the very block whose randomness decides: a first come could try wei after wei."""
    tree, seeds = new_tree([10**18] * 7), [word(f"seed {i}") for i in range(50)]
    before = tree.drawMany(seeds, 4)
    for wei in (1, 2, 1000):
        tree.setWeight(5, 10**18 + wei, {"from": accounts[0]})
        assert tree.drawMany(seeds, 4) == before
