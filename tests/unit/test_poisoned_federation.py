"""Federations with poisoning clients and with a panel that judges: small ones, and what they must not change."""

from dataclasses import replace

import pytest

from experiments.learning.federation import Federation
from experiments.poisoning.poison import Poison
from experiments.poisoning.poisons import POISONS, Backdoor
from experiments.poisoning.sweep import UNATTACKED, attack_tables, bench_attack
from experiments.poisoning.trial import DEFENCES, Field, Panel, PoisonedFederation
from qfl.simulation.config import JobConfig
from qfl.simulation.prepare import prepare_job, validation_shares

JOB = JobConfig(clients=5, rounds=2, validation_percent=20, model={"layers": 4}, training={"steps": 15})


@pytest.fixture(scope="module")
def field():
    return Field.prepare(JOB)


def test_attackers_that_do_nothing_wrong_change_nothing(field):
    """They train in a batch of their own, so the last bits of their numbers may differ, and a lane with them."""
    honest = Federation(JOB, field.job, field.shares)
    attacked = PoisonedFederation(JOB, field.job, field.shares, Poison(), [1, 3])
    one, other = honest.step(), attacked.step()
    lanes = [abs(a.lanes.astype(int) - b.lanes).max() for a, b in zip(one.updates, other.updates, strict=True)]
    assert max(lanes) <= 2


def test_without_attackers_it_is_the_same_federation(field):
    honest = Federation(JOB, field.job, field.shares)
    other = PoisonedFederation(JOB, field.job, field.shares, POISONS["scaling"], [])
    for _ in range(2):
        assert honest.step().model.lanes.tolist() == other.step().model.lanes.tolist()


def test_a_panel_that_leaves_nobody_out_changes_nothing(field):
    judged = Federation(JOB, field.job, field.shares, Panel(field.job, field.held, 1))
    taken = judged.step()
    assert list(taken.included) == list(taken.updates)
    assert taken.model.lanes.tolist() == Federation(JOB, field.job, field.shares).step().model.lanes.tolist()


def test_a_panel_leaves_a_sign_flip_out_and_says_so_in_one_turn(field):
    panel = Panel(field.job, field.held, 1)
    federation = PoisonedFederation(JOB, field.job, field.shares, POISONS["sign-flip"], [2], panel)
    published = federation.step()
    assert [update.index for update in published.included] == [0, 1, 3, 4]
    assert panel.turns == [1]


@pytest.mark.parametrize("name", POISONS)
def test_every_poison_sends_something_else(field, name):
    """Two rounds, because a free rider needs one to copy."""
    one = PoisonedFederation(JOB, field.job, field.shares, Poison(), [0, 1])
    other = PoisonedFederation(JOB, field.job, field.shares, POISONS[name], [0, 1])
    for _ in range(2):
        honest, poisoned = one.step(), other.step()
    assert honest.updates[0].update_root != poisoned.updates[0].update_root


def test_what_a_run_comes_to(field):
    outcome = field.run(POISONS["sign-flip"], [2], DEFENCES[3])
    assert outcome.attackers_left_out == 1
    assert outcome.honest_left_out == 0
    assert outcome.trigger == 0
    plain = field.run(Backdoor(), [2], DEFENCES[0])
    assert plain.attackers_left_out == plain.honest_trimmed == 0
    assert 0 < plain.trigger < 1


def test_more_attackers_include_the_fewer(field):
    assert set(field.attackers(20)) < set(field.attackers(40))
    assert len(field.attackers(40)) == 2


@pytest.mark.parametrize("brief", [False, True])
def test_the_bench_writes_every_setting_and_its_table(tmp_path, brief):
    config = replace(JOB, rounds=1, clients=4, training={"steps": 3})
    results = bench_attack(config, tmp_path, ["iid"], [25], ["sign-flip"], 2, lambda _: None, brief=brief)
    (setting,) = results["settings"]
    assert set(setting["attacks"]) == {UNATTACKED, "sign-flip"}
    names = {"mean", "judged"} if brief else {defence.name for defence in DEFENCES}
    assert set(setting["attacks"]["sign-flip"]) == names
    assert (tmp_path / "attack.json").exists()
    (table,) = attack_tables(results)
    assert table.row_count == 2


def test_validators_hold_what_no_client_has():
    _, dataset, shares = prepare_job(JOB)
    held = validation_shares(JOB, dataset)
    assert len(held) == JOB.validators
    assert sum(len(part.labels) for part in [*shares, *held]) == len(dataset.train.labels)
