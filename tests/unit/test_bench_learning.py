"""`qfl bench learning`: each way is the one its name says, and the figures are those of the seeds."""

from __future__ import annotations

import json

import pytest

from experiments.learning.learning import (
    MODELS,
    NAME,
    RECIPES,
    Learnt,
    as_document,
    bench_learning,
    learn,
    learning_table,
)
from qfl.errors import InvalidInput
from qfl.simulation.config import JobConfig
from qfl.training.job import training_config

TINY = JobConfig(
    clients=2,
    rounds=6,
    classes=(0, 1),
    limit=40,
    central_epochs=2,
    model={"qubits": 4, "layers": 2},
    training={"steps": 2, "batch_size": 4},
)


def test_every_recipe_is_one_that_clients_can_follow():
    recipes = {name: training_config({**TINY.training, **changes}) for name, changes in RECIPES.items()}
    assert recipes["job"].control_variates
    assert recipes["scaffold"].control_variates
    assert not any(recipes[name].control_variates for name in ("fedavg", "fedprox", "fedavg-adam", "centralised"))
    assert [name for name, recipe in recipes.items() if recipe.proximal] == ["fedprox"]


def test_runs_are_written_down_one_by_one(tmp_path):
    told = []
    runs = bench_learning(TINY, ["quantum", "hybrid"], ["job", "centralised"], [1, 2], tmp_path, told.append)
    assert len(runs) == 8
    assert told[0] == "quantum, job, seed 1"
    document = json.loads((tmp_path / NAME).read_text())
    assert [line["seeds"] for line in document["summary"]] == [[1, 2]] * 4
    assert list(document["runs"][0]["by_round"]) == ["5", "6"]
    assert document["runs"][0]["accuracy"] == document["runs"][0]["by_round"]["6"]


def test_the_classical_control_learns_by_the_same_recipe():
    assert learn(TINY, "classical", "job", 1).by_round.keys() == {5, 6}


def test_a_run_is_a_function_of_its_seed():
    first, again, other = (learn(TINY, "hybrid", "job", seed) for seed in (3, 3, 4))
    assert first.loss == again.loss != other.loss


def test_summary_has_mean_and_spread_of_the_seeds():
    runs = [Learnt("quantum", "job", seed, value, 0.5, {9: value}, 10.0) for seed, value in ((1, 0.9), (2, 0.96))]
    [line] = as_document(TINY, runs)["summary"]
    assert line["accuracy"] == {"mean": pytest.approx(0.93), "least": 0.9, "most": 0.96}
    assert [list(column.cells) for column in learning_table(as_document(TINY, runs)).columns][2:4] == [
        ["93.0"],
        ["90.0 to 96.0"],
    ]


@pytest.mark.parametrize(
    ("models", "recipes", "name"), [(["tree"], ["job"], "model"), (["hybrid"], ["luck"], "recipe")]
)
def test_refuses_names_it_does_not_know(models, recipes, name, tmp_path):
    with pytest.raises(InvalidInput, match=f"^{name} = "):
        bench_learning(TINY, models, recipes, [1], tmp_path, print)


def test_a_purely_quantum_model_needs_a_qubit_for_each_class():
    assert MODELS["quantum"] == {"head": False}
    with pytest.raises(InvalidInput, match="each class needs a qubit"):
        learn(JobConfig(), "quantum", "job", 1)
