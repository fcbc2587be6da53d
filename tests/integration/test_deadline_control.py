"""The owner's deadlines on a real chain: they follow the blocks' times, and touch no round that runs."""

import re
from pathlib import Path

import pytest
from testnet import Testnet

from qfl.chain.contracts.beacon import Phase
from qfl.chain.rpc.accounts import development_account
from qfl.chain.rpc.sender import Sender
from qfl.devnet import Devnet
from qfl.errors import InvalidInput
from qfl.node.context import Step
from qfl.node.deadline_controller import DeadlineController
from qfl.node.deadline_rule import DeadlineRule
from qfl.protocol.types import RoundNumber
from qfl.simulation.driver import run_until

RULE = DeadlineRule(quantile=1.0, margin=2.0, growth=3.0, floor=10, ceiling=400)


@pytest.fixture
def testnet(devnet: Devnet, tmp_path: Path) -> Testnet:
    return Testnet(devnet, tmp_path, commitSeconds=300, revealSeconds=120)


def test_a_round_s_times_set_the_deadlines_of_the_next(testnet: Testnet) -> None:
    network = testnet.network(clients=(1, 2))
    owner = Sender(testnet.ledger.web3, development_account(0))
    keeper = DeadlineController(testnet.ledger, owner, RULE)
    run_until(network, Phase.COMMIT)
    opened_at = testnet.ledger.beacon.round_at(RoundNumber(1)).commit_ends_at - 300
    testnet.clock.reach(opened_at + 80)
    assert not keeper.step()  # clients may still commit
    run_until(network, Phase.REVEAL)
    testnet.clock.reach(opened_at + 300 + 70)
    run_until(network, Phase.CHECKPOINT)
    said = re.fullmatch(r"after round 1: (\d+) s to commit, (\d+) s to reveal", keeper.step().note)
    assert said is not None
    commit_seconds, reveal_seconds = map(int, said.groups())
    # Twice 80 s, and twice 70 s; the blocks may come some seconds later than the clock was moved to.
    assert 160 <= commit_seconds <= 180
    assert 140 <= reveal_seconds <= 160
    assert not keeper.step()
    parameters = testnet.ledger.beacon.parameters_of(RoundNumber(1))
    assert (parameters["commitSeconds"], parameters["revealSeconds"]) == (300, 120)
    chosen = testnet.ledger.beacon.next_parameters()
    assert chosen == {**parameters, "commitSeconds": commit_seconds, "revealSeconds": reveal_seconds}


def test_a_restarted_keeper_takes_no_second_step_after_the_same_round(testnet: Testnet) -> None:
    """It would halve the deadlines at each restart."""
    network = testnet.network(clients=(1, 2))
    owner = Sender(testnet.ledger.web3, development_account(0))
    run_until(network, Phase.CHECKPOINT)
    first, second = (DeadlineController(testnet.ledger, owner, RULE).step() for _ in range(2))
    assert first == second == Step(True, "after round 1: 100 s to commit, 40 s to reveal")


def test_only_the_owner_sets_deadlines(testnet: Testnet) -> None:
    stranger = Sender(testnet.ledger.web3, development_account(3))
    with pytest.raises(InvalidInput, match="only the owner of the deployment"):
        DeadlineController(testnet.ledger, stranger, RULE)


def test_deadlines_that_would_outlast_the_unbonding_delay_are_refused(testnet: Testnet) -> None:
    """A seat could leave before its fault is proven."""
    owner = Sender(testnet.ledger.web3, development_account(0))
    with pytest.raises(InvalidInput, match=r"ceiling = 80000: stakes are liable for 86400 s"):
        DeadlineController(testnet.ledger, owner, DeadlineRule(ceiling=80_000))
