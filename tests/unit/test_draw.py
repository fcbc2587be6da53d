"""Hash chains and the draw in Python; `tests/contracts/test_draw_mirror.py` compares the latter with the contract."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.consensus.draw import CASES, Case, simulate
from qfl.crypto.hash_chain import HashChain, LinkSeed, link_domain, next_link
from qfl.errors import InvalidInput, LinkSeedUnusable
from qfl.protocol.draw import (
    BENCH,
    LAG,
    MOST_CHANGES,
    MOST_VISITED,
    Draw,
    drawing_order,
    next_seed,
    sample,
    silent_seats,
)

STAKING = "0x" + "11" * 20
SEED = bytes(range(32))


def word(number: int) -> bytes:
    """A seed called `number`."""
    return bytes([number]) * 32


def test_a_link_hashes_to_the_one_shown_before_it():
    domain = link_domain(1, STAKING)
    chain = HashChain(SEED, domain, length=3)
    assert chain.tip(0) == chain.anchor
    links = [chain.link(shown) for shown in range(3)]
    assert [next_link(link, domain) for link in links] == [chain.anchor, links[0], links[1]]
    assert [chain.tip(shown) for shown in (1, 2, 3)] == links
    assert chain.link(3) is None


def test_no_chain_is_used_for_two_deployments_or_two_keys():
    seed = LinkSeed(SEED)
    places = [
        (1, STAKING, b"a" * 16),
        (2, STAKING, b"a" * 16),
        (1, "0x" + "12" * 20, b"a" * 16),
        (1, STAKING, b"b" * 16),
    ]
    assert len({seed.chain(*place).anchor for place in places}) == len(places)


def test_a_seed_is_made_once_and_refused_when_others_can_read_it(tmp_path):
    anchor = LinkSeed.of(tmp_path).chain(1, STAKING, bytes(16)).anchor
    assert LinkSeed.of(tmp_path).chain(1, STAKING, bytes(16)).anchor == anchor
    (tmp_path / "links.seed").chmod(0o644)
    with pytest.raises(LinkSeedUnusable, match="chmod 600"):
        LinkSeed.of(tmp_path)


def test_sample_refuses_to_seat_more_than_there_are():
    with pytest.raises(InvalidInput):
        sample({1: 5, 2: 0, 3: 5}, SEED, 2, idle=[3])


def test_who_was_silent_sits_again_after_the_bench_and_before_it_where_nobody_else_is_left():
    draw = Draw()
    for validator in (1, 2, 3):
        draw.weigh(validator, 1)
    draw.open(SEED, 1, 1)
    (silent,) = draw.seats
    for _ in range(BENCH):
        assert draw.open(SEED, 1, 1, silent=[0] if draw.round == 1 else []) != [silent]
    assert draw.open(SEED, 1, 1) == [silent]
    seated, stand_ins = sample({1: 1, 2: 1}, SEED, 2, benched=[1])
    assert set(seated) == {1, 2} and not stand_ins


def test_a_stand_in_is_never_silent():
    phase = {"commit_ends_at": 100, "reveal_ends_at": 140, "linkers": 4, "stand_ins": {0, 2}}
    assert silent_seats(**phase, shown_by=None, until=139) == [1]
    assert silent_seats(**phase, shown_by=None, until=140) == [1, 3]
    assert silent_seats(**phase, shown_by=3, until=140) == [1]


def test_who_stands_in_for_a_benched_one_has_a_slot_unless_another_that_left_was_to_have_the_place():
    """Else a validator that comes next for a benched one could leave, and have the next one's link decide."""
    weights = dict.fromkeys(range(8), 1)
    first, second, third, fourth, *_ = drawing_order(weights, SEED)
    assert sample(weights, SEED, 2, benched=[first]) == ([third, second], set())
    assert sample(weights, SEED, 2, benched=[first], idle=[third]) == ([fourth, second], {0})


def test_a_change_counts_after_the_lag():
    draw = Draw()
    draw.weigh(1, 10)
    draw.open(word(0), 1, 1)
    draw.weigh(1, 20)
    counted = []
    for number in range(LAG):
        draw.open(word(1 + number), 1, 1)
        counted.append(draw.counted[1])
    assert counted == [10] * (LAG - 1) + [20]


def test_where_too_many_have_left_changes_count_before_they_are_due():
    draw, most = Draw(), MOST_VISITED - 4
    for validator in range(400):
        draw.weigh(validator, 10)
    draw.open(word(0), 1, 4)
    for validator in range(most + MOST_CHANGES):
        draw.weigh(validator, 0)
    again = draw.copy()
    assert set(draw.open(word(1), 1, 4)) <= set(range(most + MOST_CHANGES, 400))
    assert [validator for validator, weight in draw.counted.items() if not weight] == list(range(MOST_CHANGES))
    again.weigh(most + MOST_CHANGES, 0)
    with pytest.raises(InvalidInput, match="idle validators = 317: 316"):
        again.open(word(1), 1, 4)


def test_a_round_that_is_drawn_again_lets_no_change_count():
    """Else who can have it drawn again would know the seed that its stakes come to count for."""
    draw = Draw()
    for validator in range(1, 6):
        draw.weigh(validator, 10)
    draw.open(word(0), 1, 4)
    draw.weigh(1, 1_000)
    for number in range(LAG - 1):
        draw.open(word(1 + number), 1, 4)
    seats = draw.seats
    assert draw.open(next_seed(draw.seed, draw.round + 1, None, is_cut_short=True), 1, 4) == seats
    assert draw.counted[1] == 10
    draw.open(next_seed(draw.seed, draw.round + 1, None), 1, 4)
    assert draw.counted[1] == 1_000


@given(
    weights=st.lists(st.integers(1, 5), min_size=8, max_size=16),
    seed=st.binary(min_size=32, max_size=32),
    idle=st.sets(st.integers(0, 15), max_size=2),
    benched=st.sets(st.integers(0, 15), max_size=9),
    leaver=st.integers(0, 7),
)
def test_who_leaves_first_moves_nobody_else(weights, seed, idle, benched, leaver):
    count, members = 4, dict(enumerate(weights))
    before, stood_in = sample(members, seed, count, idle=idle, benched=benched)
    after, stand_ins = sample(members, seed, count, idle=idle | {leaver}, benched=benched)
    assert leaver not in after and not idle & set(after) and len(set(after)) == count
    moved = {place for place in range(count) if before[place] != after[place]}
    assert idle or moved == {place for place in range(count) if before[place] == leaver}
    assert stood_in | moved <= stand_ins, "it brings nobody's link about"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_nobody_steers_the_draw(case: Case):
    """By chance 3 of 7 hold 3 of 4 seats in 11.4 % of rounds, and 30 of 70 in 20.7 %; the seeds are fixed."""
    capture = simulate(case, rounds=2_000, seed=1)
    assert capture.share <= (0.16 if case.validators == 7 else 1.3 * capture.chance)
