"""Hash chains and the draw in Python; `tests/contracts/test_draw_mirror.py` compares the latter with the contract."""

import pytest

from experiments.consensus.draw import CASES, Case, simulate
from qfl.crypto.hash_chain import HashChain, LinkSeed, link_domain, next_link
from qfl.errors import InvalidInput, LinkSeedUnusable
from qfl.protocol.draw import BENCH, LAG, Draw, sample

STAKING = "0x" + "11" * 20
SEED = bytes(range(32))


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
        assert draw.open(SEED, 1, 1, silent=1 if draw.round == 1 else 0) != [silent]
    assert draw.open(SEED, 1, 1) == [silent]
    assert sample({1: 1, 2: 1}, SEED, 2, benched=[1]) == [2, 1]


def test_a_change_counts_after_the_lag():
    draw = Draw()
    draw.weigh(1, 10)
    draw.open(SEED, 1, 1)
    draw.weigh(1, 20)
    counted = []
    for _ in range(LAG):
        draw.open(SEED, 1, 1)
        counted.append(draw.counted[1])
    assert counted == [10] * (LAG - 1) + [20]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_nobody_steers_the_draw(case: Case):
    """By chance 3 of 7 hold 3 of 4 seats in 11.4 % of rounds, and 30 of 70 in 20.7 %; the seeds are fixed."""
    capture = simulate(case, rounds=2_000, seed=1)
    assert capture.share <= (0.16 if case.validators == 7 else 1.3 * capture.chance)
