"""The owner's deadlines on a real chain: they follow the blocks' times, and touch no round that runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from testnet import Testnet

from qfl.chain.rpc.accounts import development_account
from qfl.chain.rpc.sender import Sender
from qfl.devnet import Devnet
from qfl.errors import InvalidInput
from qfl.node.deadline_controller import DeadlineController, Deadlines
from qfl.node.deadline_keeper import DeadlineKeeper
from qfl.node.deadline_rule import DeadlineRule
from qfl.protocol.types import RoundNumber
from qfl.simulation.driver import commit, open_round, reveal, train

RULE = DeadlineRule(quantile=1.0, margin=2.0, growth=3.0, floor=10, ceiling=400)


@pytest.fixture
def testnet(devnet: Devnet, tmp_path: Path) -> Testnet:
    return Testnet(devnet, tmp_path, commitSeconds=300, revealSeconds=120)


def test_a_round_s_times_set_the_deadlines_of_the_next(testnet: Testnet) -> None:
    network = testnet.network(clients=(1, 2))
    owner = Sender(testnet.ledger.web3, development_account(0))
    keeper = DeadlineKeeper(testnet.ledger, DeadlineController(testnet.ledger, owner, RULE))
    open_round(network)
    train(network)
    opened_at = testnet.ledger.beacon.round_at(RoundNumber(1)).commit_ends_at - 300
    testnet.clock.reach(opened_at + 80)
    assert keeper.step() is None  # clients may still commit
    commit(network)
    testnet.clock.reach(opened_at + 300 + 70)
    reveal(network)
    testnet.end_phase()
    number, deadlines = keeper.step() or pytest.fail("the reveals are over")
    assert number == 1
    # Twice 80 s, and twice 70 s; the blocks may come some seconds later than the clock was moved to.
    assert 160 <= deadlines.commit <= 180
    assert 140 <= deadlines.reveal <= 160
    assert keeper.step() is None
    parameters = testnet.ledger.beacon.parameters_of(RoundNumber(1))
    assert (parameters["commitSeconds"], parameters["revealSeconds"]) == (300, 120)
    chosen = testnet.ledger.beacon.next_parameters()
    assert chosen == {**parameters, "commitSeconds": deadlines.commit, "revealSeconds": deadlines.reveal}


def test_a_restarted_keeper_takes_no_second_step_after_the_same_round(testnet: Testnet) -> None:
    """It would halve the deadlines at each restart."""
    network = testnet.network(clients=(1, 2))
    owner = Sender(testnet.ledger.web3, development_account(0))
    controller = DeadlineController(testnet.ledger, owner, RULE)
    open_round(network)
    train(network)
    commit(network)
    reveal(network)
    testnet.end_phase()
    first, second = DeadlineKeeper(testnet.ledger, controller).step(), DeadlineKeeper(testnet.ledger, controller).step()
    assert first == second == (RoundNumber(1), Deadlines(100, 40))


def test_only_the_owner_sets_deadlines(testnet: Testnet) -> None:
    stranger = Sender(testnet.ledger.web3, development_account(3))
    with pytest.raises(InvalidInput, match="only the owner of the deployment"):
        DeadlineController(testnet.ledger, stranger, RULE)


def test_deadlines_that_would_outlast_the_unbonding_delay_are_refused(testnet: Testnet) -> None:
    """A seat could leave before its fault is proven."""
    owner = Sender(testnet.ledger.web3, development_account(0))
    with pytest.raises(InvalidInput, match=r"ceiling = 80000: stakes are liable for 86400 s"):
        DeadlineController(testnet.ledger, owner, DeadlineRule(ceiling=80_000))
