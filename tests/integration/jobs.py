"""Whole runs of `qfl run`, in this process and without a word, and what `qfl verify` says of them."""

from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from rich.console import Console

from qfl.apps.cli.main import cli
from qfl.simulation.config import JobConfig
from qfl.simulation.display import Display
from qfl.simulation.run import Place, run_job


def run(job: JobConfig, folder: Path, display: Display | None = None, resume: bool = False) -> dict[str, Any]:
    """The report of a run in a folder."""
    return run_job(job, Place(folder, resume=resume), display or Display(Console(quiet=True), job.rounds))


def verify(folder: Path, *options: str) -> Result:
    """What `qfl verify` says of the run in a folder."""
    return CliRunner().invoke(cli, ["verify", "--run", str(folder), *options])
