"""A job whose validators judge updates by data of their own: honest clients stay in, one that poisons is left out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from experiments.learning.federation import Federation
from experiments.poisoning.client import POISONERS
from qfl.client.client import Client
from qfl.node.context import NodeContext
from qfl.protocol.content import content_digest, encode
from qfl.protocol.types import ParticipantId
from qfl.simulation import identities
from qfl.simulation.config import JobConfig
from qfl.simulation.display import Display
from qfl.simulation.prepare import prepare_job
from qfl.simulation.run import Place, run_job

pytestmark = pytest.mark.rest

JOB = JobConfig(
    clients=4,
    rounds=2,
    key_height=5,
    central_epochs=0,
    validation_percent=20,
    model={"layers": 4},
    training={"steps": 15},
)
POISONING = 2
"""Index of the client that flips signs."""


def run(tmp_path: Path, config: JobConfig = JOB) -> dict[str, Any]:
    return run_job(config, Place(tmp_path / "run"), Display(Console(quiet=True), config.rounds))


def test_honest_clients_stay_in_and_the_model_is_that_of_a_run_without_judgement(tmp_path: Path) -> None:
    document = run(tmp_path)
    assert [entry["included"] for entry in document["rounds"]] == [4, 4]
    job, _, shares = prepare_job(JOB)
    federation = Federation(JOB, job, shares)
    published = [federation.step() for _ in range(JOB.rounds)]
    assert document["final"]["model_digest"] == "0x" + content_digest(encode(published[-1].model)).hex()


@pytest.mark.parametrize("mode", ["transparent", "private"])
def test_a_poisoning_client_is_left_out_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    if mode == "private":
        pytest.importorskip("groth16py", reason="groth16py is missing: pip install -e '.[zk]'")

    def choose(context: NodeContext, participant: ParticipantId, **settings: Any) -> Client:
        kind = POISONERS["sign-flip"] if settings["index"] == POISONING else Client
        return kind(context, participant, **settings)

    monkeypatch.setattr(identities, "Client", choose)
    document = run(tmp_path, replace(JOB, mode=mode))
    assert [entry["included"] for entry in document["rounds"]] == [3, 3]
    assert document["disputes"] == []
