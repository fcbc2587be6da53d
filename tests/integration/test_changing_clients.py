"""A run whose participants come, go, straggle and fall silent: nobody loses a stake, and no round is lost.

Catches a newcomer that is never asked to train, a client that goes on after it left, a stake that is left behind, a
resumed run that forgets who was there.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from experiments.consensus.two_runs import audit_stakes
from qfl.errors import InvalidInput
from qfl.simulation.config import JobConfig
from qfl.simulation.display import Display
from qfl.simulation.run import Place, run_job

pytestmark = pytest.mark.rest

# With fewer clients, one of the two shards would now and then be drawn none, and a round would fail for that.
JOB = JobConfig(
    clients=16,
    validators=8,
    rounds=4,
    classes=(0, 1, 2),
    key_height=5,
    central_epochs=0,
    challenger=False,
    seed=3,
    model={"qubits": 4, "layers": 2},
    training={"steps": 5},
    protocol={"shards": 2},
    dynamics={
        "churn": 0.2,
        "exits": 0.5,
        "newcomers": 3,
        "stragglers": 0.1,
        "slowdown": 30.0,
        "train_seconds": 20.0,
        "links": ["imt-2020", "geo"],
        "silent_committees": ["2:1"],
        "adaptive_deadlines": True,
    },
)


def run(job: JobConfig, folder: Path, display: Display | None = None, resume: bool = False) -> dict[str, Any]:
    return run_job(job, Place(folder, resume=resume), display or Display(Console(quiet=True), job.rounds))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The folder of a stormy run, and its rounds."""
    folder = tmp_path_factory.mktemp("dynamics") / "run"
    report = run(JOB, folder)
    assert report["complete"]
    assert not report["failed_rounds"]
    return folder, report["rounds"]


def test_who_left_was_paid_and_nobody_lost_anything(finished: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, rounds = finished
    joined, left = (sum(entry["dynamics"][name] for entry in rounds) for name in ("joined", "left"))
    assert left > 0
    assert audit_stakes(folder) == {"participants": 16 + joined + 8, "withdrawn": left, "lost": 0}


def test_a_silent_committee_costs_its_shard_the_round_and_no_other(
    finished: tuple[Path, list[dict[str, Any]]],
) -> None:
    _, rounds = finished
    assert 1 in [missed["shard"] for missed in rounds[1]["missed"]]
    assert rounds[1]["dynamics"]["silent_validators"] == 4
    for entry in rounds:
        if not entry["missed"]:
            assert entry["included"] == entry["dynamics"]["present"] - entry["dynamics"]["straggled"]


def test_deadlines_follow_from_the_second_round_on(finished: tuple[Path, list[dict[str, Any]]]) -> None:
    _, rounds = finished
    commits = [entry["dynamics"]["deadlines"]["commit"] for entry in rounds]
    assert commits[:2] == [300, 150]  # at most halved, though a fifth would do
    for entry, deadline in zip(rounds, commits, strict=True):
        assert entry["dynamics"]["simulated_seconds"]["last_commit"] <= deadline


def test_a_shard_whose_chain_is_killed_misses_a_round_and_comes_back(tmp_path: Path) -> None:
    dynamics = {"churn": 0.2, "newcomers": 2, "outages": ["2:1"]}
    report = run(replace(JOB, rounds=3, shard_chains=True, dynamics=dynamics), tmp_path / "run")
    assert report["complete"]
    assert not report["failed_rounds"]
    (missed,) = report["rounds"][1]["missed"]
    assert missed["shard"] == 1
    assert "its chain does not answer" in missed["reason"]
    assert report["rounds"][2]["included"] == report["rounds"][2]["dynamics"]["present"]
    assert audit_stakes(tmp_path / "run")["lost"] == 0


class Interrupting(Display):
    """A user who presses Ctrl-C when the third round reveals."""

    def round(self, number: int, rounds: int, stage: str) -> None:
        if (number, stage) == (3, "reveal"):
            raise KeyboardInterrupt


def test_a_resumed_run_finds_the_same_participants_and_ends_with_the_same_model(tmp_path: Path) -> None:
    """One shard, fixed deadlines: then the seed decides everything."""
    dynamics = {"churn": 0.4, "exits": 0.6, "newcomers": 3, "stragglers": 0.2, "train_seconds": 100.0}
    job = replace(JOB, clients=6, validators=4, protocol={}, dynamics=dynamics)
    whole = run(job, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(job, tmp_path / "cut", Interrupting(Console(quiet=True), job.rounds))
    resumed = run(job, tmp_path / "cut", resume=True)
    assert sum(entry["dynamics"]["joined"] for entry in whole["rounds"][:3]) > 0
    assert [entry["dynamics"] for entry in resumed["rounds"]] == [entry["dynamics"] for entry in whole["rounds"]]
    assert resumed["final"]["model_digest"] == whole["final"]["model_digest"]
    assert run(job, tmp_path / "cut", resume=True)["complete"]  # although some have withdrawn


@pytest.mark.parametrize(
    ("dynamics", "message"),
    [
        ({"silent_committees": ["1:2"]}, "shards run from 0 to 1"),
        ({"churn": 2.0}, r"dynamics\.churn = 2\.0"),
    ],
)
def test_dynamics_that_cannot_be_are_refused_before_anything_starts(
    dynamics: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=message):
        run(replace(JOB, dynamics=dynamics), tmp_path / "run")
    assert not (tmp_path / "run" / "devnet").exists()
