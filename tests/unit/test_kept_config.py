"""The job that a run's report says it was: what `qfl evaluate --run` loads the test data by."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from qfl.errors import InvalidInput
from qfl.simulation.config import JobConfig
from qfl.simulation.folder import kept_config


def test_a_report_gives_the_job_back(tmp_path: Path) -> None:
    job = JobConfig(clients=3, classes=(1, 7), model={"qubits": 4}, device={"shots": 100})
    written = {**asdict(job), "architecture": {"qubits": 4}, "recipe": {}}
    (tmp_path / "report.json").write_text(json.dumps({"config": written}))
    assert kept_config(tmp_path) == job


@pytest.mark.parametrize("content", [None, "{", "{}"])
def test_a_folder_without_a_report_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    with pytest.raises(InvalidInput, match="has no report of a job"):
        kept_config(tmp_path)
