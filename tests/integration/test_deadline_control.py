"""The owner's deadlines on a real chain: they follow the blocks' times, and touch no round that runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from town import Town

from qfl.chain.accounts import development_account
from qfl.chain.sender import Sender
from qfl.devnet import Devnet
from qfl.dynamics.controller import DeadlineController, Deadlines
from qfl.dynamics.deadlines import DeadlineRule
from qfl.errors import InvalidInput
from qfl.roles.deadlines import DeadlineKeeper
from qfl.round import commit, open_round, reveal, train
from qfl.types import RoundNumber

RULE = DeadlineRule(quantile=1.0, margin=2.0, growth=3.0, floor=10, ceiling=400)


@pytest.fixture
def town(devnet: Devnet, tmp_path: Path) -> Town:
    return Town(devnet, tmp_path, commitSeconds=300, revealSeconds=120)


def test_a_round_s_times_set_the_deadlines_of_the_next(town: Town) -> None:
    network = town.network(clients=(1, 2))
    owner = Sender(town.ledger.web3, development_account(0))
    keeper = DeadlineKeeper(town.ledger, DeadlineController(town.ledger, owner, RULE))
    open_round(network)
    train(network)
    opened_at = town.ledger.beacon.round_at(RoundNumber(1)).commit_ends_at - 300
    town.clock.reach(opened_at + 80)
    assert keeper.step() is None  # clients may still commit
    commit(network)
    town.clock.reach(opened_at + 300 + 70)
    reveal(network)
    town.end_phase()
    number, deadlines = keeper.step() or pytest.fail("the reveals are over")
    assert number == 1
    # Twice 80 s, and twice 70 s; the blocks may come some seconds later than the clock was moved to.
    assert 160 <= deadlines.commit <= 180
    assert 140 <= deadlines.reveal <= 160
    assert keeper.step() is None
    parameters = town.ledger.beacon.parameters_of(RoundNumber(1))
    assert (parameters["commitSeconds"], parameters["revealSeconds"]) == (300, 120)
    chosen = town.ledger.beacon.next_parameters()
    assert chosen == {**parameters, "commitSeconds": deadlines.commit, "revealSeconds": deadlines.reveal}


def test_a_restarted_keeper_takes_no_second_step_after_the_same_round(town: Town) -> None:
    """It would halve the deadlines at each restart."""
    network = town.network(clients=(1, 2))
    owner = Sender(town.ledger.web3, development_account(0))
    controller = DeadlineController(town.ledger, owner, RULE)
    open_round(network)
    train(network)
    commit(network)
    reveal(network)
    town.end_phase()
    first, second = DeadlineKeeper(town.ledger, controller).step(), DeadlineKeeper(town.ledger, controller).step()
    assert first == second == (RoundNumber(1), Deadlines(100, 40))


def test_only_the_owner_sets_deadlines(town: Town) -> None:
    stranger = Sender(town.ledger.web3, development_account(3))
    with pytest.raises(InvalidInput, match="only the owner of the deployment"):
        DeadlineController(town.ledger, stranger, RULE)


def test_deadlines_that_would_outlast_the_unbonding_delay_are_refused(town: Town) -> None:
    """A seat could leave before its fault is proven."""
    owner = Sender(town.ledger.web3, development_account(0))
    with pytest.raises(InvalidInput, match=r"ceiling = 80000: stakes are liable for 86400 s"):
        DeadlineController(town.ledger, owner, DeadlineRule(ceiling=80_000))
