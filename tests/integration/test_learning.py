"""A federation without a chain publishes the models of one with it. Catches learning code that only one of them has."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from qfl.aggregate.model import encode_model
from qfl.codec.content import content_digest
from qfl.config import JobConfig
from qfl.learning.federation import Federation
from qfl.prepare import prepare_job
from qfl.report.display import Display
from qfl.run import Place, run_job

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


def test_the_models_are_those_of_a_run_on_a_chain(tmp_path: Path) -> None:
    document = run_job(JOB, Place(tmp_path / "run"), Display(Console(quiet=True), JOB.rounds))
    job, _, shares = prepare_job(JOB)
    federation = Federation(JOB, job, shares)
    published = [federation.step() for _ in range(JOB.rounds)]
    assert document["final"]["model_digest"] == "0x" + content_digest(encode_model(published[-1].model)).hex()
