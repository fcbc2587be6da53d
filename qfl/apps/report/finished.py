"""A run's folder, read for a report: what it was asked to do, what came of it, and how to run it again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from qfl.apps.report.energy import Account, compute_accounts, read_workload
from qfl.errors import InvalidInput, MalformedContent, QflError
from qfl.files import read_json
from qfl.protocol.content import decode
from qfl.protocol.state import from_state
from qfl.quantum.architecture import Architecture
from qfl.simulation.config import JobConfig
from qfl.simulation.folder import job_of
from qfl.simulation.prepare import prepare_job

NEEDED = ("config", "rounds", "gas", "bytes", "central", "disputes", "failed_rounds", "final", "transactions")
"""What a report has to hold to be shown."""


@dataclass(frozen=True)
class FinishedRun:
    """A run with at least one round: `name` of its folder, `report` as in `report.json`, the job behind it."""

    name: str
    folder: Path
    report: dict[str, Any]
    job: JobConfig

    @property
    def architecture(self) -> Architecture:
        return Architecture.from_document(self.report["config"]["architecture"])


def read_run(folder: Path) -> FinishedRun:
    """The run in a folder; one that was stopped half way is a run, too.

    Raises InvalidInput: the folder holds no run, none with a round, or one of another version.
    """
    path = folder / "report.json"
    if not path.exists():
        begun = (folder / "events.jsonl").exists()
        remedy = (
            f"its run has written no report yet: let it end, or `qfl run --out {folder} --resume`"
            if begun
            else "is no run folder: it has no report.json; `qfl run --out` makes one"
        )
        raise InvalidInput("run", str(folder), remedy)
    try:
        report = read_json(path)
        missing = [name for name in NEEDED if name not in report]
        job = job_of(report)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidInput("run", str(folder), f"its report.json is not that of a run: {error!r}") from error
    if missing:
        raise InvalidInput(
            "run", str(folder), f"its report is of another version, without {', '.join(missing)}: run it again"
        )
    if not report["rounds"]:
        raise InvalidInput("run", str(folder), f"has no round yet: `qfl run --out {folder} --resume` goes on")
    return FinishedRun(folder.resolve().name, folder, report, job)


def name_apart(runs: Sequence[FinishedRun]) -> list[FinishedRun]:
    """The runs, those with the name of another one numbered."""
    names = [run.name for run in runs]
    return [
        replace(run, name=f"{run.name} ({names[: i + 1].count(run.name)})") if names.count(run.name) > 1 else run
        for i, run in enumerate(runs)
    ]


def confusion(run: FinishedRun, data_folder: Path | None = None) -> list[list[int]]:
    """How many test samples of each class (rows) the final model takes for each class (columns).

    The data are in `data_folder` now; where the run had them unless given.

    Raises:
        InvalidInput: there is no model, or it does not score what the run reports, so these are other data.
        DatasetMissing.
    """
    from qfl.training.training import evaluate

    path = run.folder / "model.qfl"
    try:
        model = decode(path.read_bytes())
    except (OSError, MalformedContent) as error:
        raise InvalidInput("run", str(run.folder), f"has no model to evaluate ({error})") from error
    job = run.job if data_folder is None else replace(run.job, data_folder=str(data_folder))
    document, dataset, _ = prepare_job(replace(job, download=False))
    found = evaluate(document.architecture, *from_state(model.lanes, model.shape), dataset.test)
    if abs(found.accuracy - (reported := run.report["final"]["accuracy"])) > 1e-6:
        said = f"its model scores {found.accuracy:.1%} on the data here, the run says {reported:.1%}"
        raise InvalidInput("data_folder", job.data_folder, f"{said}: pass --data-folder with the run's data")
    matrix = np.zeros((dataset.classes, dataset.classes), dtype=np.int64)
    np.add.at(matrix, (dataset.test.labels, found.predictions), 1)
    return [[int(count) for count in row] for row in matrix]


def energy_of(run: FinishedRun) -> list[Account] | str:
    """Joules of the mean round, with phones on 5G for clients; or why they cannot be told."""
    try:
        return compute_accounts(read_workload(run.folder), "phone", "5g")
    except (QflError, OSError, ValueError, KeyError) as error:
        return str(error)


def job_toml(job: JobConfig) -> str:
    """The job as a file for `qfl run --config`: what differs from the defaults. `load_config` makes the same of it."""
    plain, tables, default = [], [], JobConfig()
    for setting in fields(JobConfig):
        value = getattr(job, setting.name)
        if isinstance(value, Mapping):
            if value:
                tables.append(f"\n[{setting.name}]\n" + "".join(_line(name, inner) for name, inner in value.items()))
        elif value != getattr(default, setting.name):
            plain.append(_line(setting.name, value))
    return "".join(plain + tables)


def repeat_command(name: str) -> str:
    """What runs a job file again, and has the result checked."""
    return f"qfl run --config {name} --out runs/again\nqfl verify --run runs/again"


def _line(name: str, value: Any) -> str:
    return f"{name} = {_toml(value)}\n"


def _toml(value: Any) -> str:
    """A value as TOML writes it; strings and numbers are as in JSON, and tables stand in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name} = {_toml(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
