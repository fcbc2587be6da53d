"""A federation without a chain publishes the models of one with it. Catches learning code that only one of them has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from jobs import run

from qfl.protocol.content import content_digest, encode
from qfl.simulation.config import JobConfig
from qfl.simulation.federation import Federation
from qfl.simulation.prepare import prepare_job

pytestmark = pytest.mark.rest

JOB = JobConfig(
    clients=4,
    rounds=3,
    key_height=5,
    central_epochs=0,
    challenger=False,
    seed=5,
    partition="dirichlet:0.5",
    model={"qubits": 4, "layers": 2},
    training={"steps": 5},
)


RECIPES = [
    pytest.param({}, id="momentum and control variates"),
    pytest.param({"optimiser": "adam", "learning_rate": 0.03, "control_variates": False}, id="adam"),
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_models_are_those_of_a_run_on_a_chain(recipe: dict[str, object], tmp_path: Path) -> None:
    """From the second round on, what a client kept on disk and what the chain published decide its steps too."""
    config = replace(JOB, training={**JOB.training, **recipe})
    document = run(config, tmp_path / "run")
    job, _, shares = prepare_job(config)
    federation = Federation(config, job, shares)
    published = [federation.step() for _ in range(config.rounds)]
    assert document["final"]["model_digest"] == "0x" + content_digest(encode(published[-1].model)).hex()
