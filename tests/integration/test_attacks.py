"""Every attack of `qfl attack`, each beside the same run without it: it is stopped, by what is said to stop it."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec

import pytest

from experiments.attacks.registry import ALL, BY_NAME
from experiments.attacks.strategy import Attack
from experiments.attacks.suite import Row, Suite

pytestmark = pytest.mark.rest

CAN_PROVE = all(find_spec(name) is not None for name in ("groth16py", "py_ecc"))
OBJECTIVE = {
    "equivocation": 0.5,
    "lying-majority": 1.5,
    "private-majority": 1.5,
    "unopenable-majority": 1.5,
    "phantom-majority": 1.5,
    "over-norm-majority": 1.5,
    "hidden-update": 1.5,
    "exit-before-slash": 1.5,
    "misled-mirror": 1.5,
    "lying-model-majority": 1.5,
    "unopenable-model-majority": 1.5,
    "lying-publisher": 0.5,
    "withholding-publisher": 0.5,
    "leaf-reuse": 0.001,
}
"""Faults that can be proven, and what they cost: half of the stake of everybody who signed, who had 1 ETH each; and a
commitment without a reveal, a hundredth of a client's 0.1 ETH."""
BOUNTY = 1.5 / 4
SEAT_REWARD = 0.0005
GAINS = {"front-run-dispute": BOUNTY, "late-list": SEAT_REWARD}


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    with Suite(tmp_path_factory.mktemp("attacks")) as running:
        yield running


@pytest.mark.parametrize("name", [attack.name for attack in ALL if not attack.is_open])
def test_an_attack_changes_no_model_and_nobody_elses_money(suite: Suite, name: str) -> None:
    attack = BY_NAME[name]
    if attack.private and not CAN_PROVE:
        pytest.skip("groth16py or py_ecc is missing: pip install -e '.[zk]'")
    row = suite.run(attack)
    assert row.complaints == ()
    assert row.model_unchanged
    assert row.honest_funds_unchanged
    assert row.stopped_by == attack.stopped_by
    assert row.stake_lost_eth == OBJECTIVE.get(name, 0)
    assert row.gained_eth == GAINS.get(name, 0)
    assert row.rounds_lost == len(attack.lost)


def test_a_majority_that_leaves_an_update_out_is_called_open(suite: Suite) -> None:
    """It costs them nothing, and they are paid for their seats."""
    row = suite.run(BY_NAME["censoring-majority"])
    assert (row.is_open, row.stopped_by, row.complaints) == (True, (), ())
    assert not row.model_unchanged and not row.honest_funds_unchanged
    assert (row.stake_lost_eth, row.rounds_lost) == (0, 0)
    assert row.gained_eth == 3 * SEAT_REWARD


@pytest.mark.parametrize("name", ["reorganized-hasty-commit", "lying-trusted-node"])
def test_a_client_that_shows_its_key_before_its_commitment_is_final_is_called_open(suite: Suite, name: str) -> None:
    """Who has the chain take its commitment back, or keeps it from there, forges its update of that round, no more."""
    row = suite.run(BY_NAME[name])
    assert (row.is_open, row.stopped_by, row.complaints) == (True, (), ())
    assert row.note.startswith("an update was forged")
    assert not row.model_unchanged
    assert row.stake_lost_eth == 0


def test_seats_that_show_keys_before_the_list_is_final_are_called_open(suite: Suite) -> None:
    """Whoever has the chain take the list back votes for a falsehood in their names, and they are slashed for it."""
    row = suite.run(BY_NAME["reorganized-hasty-list"])
    assert (row.is_open, row.stopped_by, row.complaints) == (True, (), ())
    assert not row.honest_funds_unchanged


def test_an_attack_that_is_not_stopped_is_reported(suite: Suite) -> None:
    """A row has to be able to say no: a third of the seats does lose a round, and nobody is slashed for it."""
    stalling = replace(BY_NAME["stalling-third"], lost=(), slashed=True, stopped_by=("aggregate dispute",))
    row: Row = suite.run(stalling)
    assert not row.model_unchanged
    assert set(row.complaints) == {
        "not seen: aggregate dispute",
        "the final model is another",
        "rounds (2,) were lost, not ()",
        "it cost no stake",
    }


def test_every_attack_has_a_name_of_its_own_and_says_what_it_tries() -> None:
    assert len(BY_NAME) == len(ALL)
    assert all(isinstance(attack, Attack) and attack.tries for attack in ALL)
