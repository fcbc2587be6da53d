"""What stands side by side on a page: several runs, what differs and what that came to; attacks, each beside none."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from qfl.apps.report.figures import accuracy_figure, draw_bars, draw_stack, is_deployment, stages_of
from qfl.apps.report.finished import FinishedRun, energy_of, job_toml, repeat_command
from qfl.apps.report.page import Page, Section, Table
from qfl.apps.report.sections import all_settings, range_text, summary_rows, unfinished
from qfl.errors import InvalidInput
from qfl.files import read_json

ABSENT = "-"


def comparison_page(runs: Sequence[FinishedRun]) -> Page:
    """The runs side by side, in the order given; `runs` are two or more, with different names."""
    best = max(runs, key=lambda run: float(run.report["final"]["accuracy"]))
    intro = f"{len(runs)} runs side by side; {best.name} ends best, at {best.report['final']['accuracy']:.1%}."
    tellings = (_summary, _settings, _accuracy, _time, _gas, _bytes, _energy, _faults, _repeat)
    sections = [tell(runs) for tell in tellings]
    warnings = [warning for run in runs for warning in unfinished(run)]
    return Page("Runs compared", intro, sections, warnings)


def _beside(
    runs: Sequence[FinishedRun],
    caption: str,
    *,
    first: str,
    columns: Sequence[Mapping[str, str]],
    names: Iterable[str] | None = None,
    is_text: bool = False,
) -> Table:
    """A line for each of `names`, all that any run's column has unless given, with what every run has there."""
    lines = dict.fromkeys(name for column in columns for name in column) if names is None else names
    rows = [(name, *(column.get(name, ABSENT) for column in columns)) for name in lines]
    return Table(caption, (first, *(run.name for run in runs)), rows, is_text)


def _summary(runs: Sequence[FinishedRun]) -> Section:
    columns = [dict(summary_rows(run)) for run in runs]
    return Section("In short", tables=[_beside(runs, "The runs in short", first="figure", columns=columns)])


def _settings(runs: Sequence[FinishedRun]) -> Section:
    columns = [dict(all_settings(run)) for run in runs]
    names = dict.fromkeys(name for column in columns for name in column)
    different = [name for name in names if len({column.get(name, ABSENT) for column in columns}) > 1]
    if not different:
        return Section("What differs", ["Nothing: all settings are the same."])
    caption = "Settings that differ"
    table = _beside(runs, caption, first="setting", columns=columns, names=different, is_text=True)
    return Section("What differs", tables=[table])


def _accuracy(runs: Sequence[FinishedRun]) -> Section:
    picture = accuracy_figure({run.name: run.report for run in runs})
    columns = [{str(entry["round"]): f"{entry['accuracy']:.2%}" for entry in run.report["rounds"]} for run in runs]
    rounds = sorted({name for column in columns for name in column}, key=int)
    table = _beside(runs, "Test accuracy", first="round", columns=columns, names=rounds)
    return Section("Accuracy", pictures=[picture], tables=[table])


def _time(runs: Sequence[FinishedRun]) -> Section:
    stages = dict.fromkeys(stage for run in runs for stage in stages_of(run.report))
    means = {
        stage: [mean(entry["seconds"].get(stage, 0.0) for entry in run.report["rounds"]) for run in runs]
        for stage in stages
    }
    names = [run.name for run in runs]
    picture = draw_stack("seconds", "Mean seconds of each stage by run.", ("", "seconds a round"), names, means)
    columns = [{stage: f"{values[i]:.3f}" for stage, values in means.items()} for i in range(len(runs))]
    table = _beside(runs, "Mean seconds a round", first="stage", columns=columns)
    return Section("Time by stage", pictures=[picture], tables=[table])


def _gas(runs: Sequence[FinishedRun]) -> Section:
    functions = sorted({name for run in runs for name in run.report["gas"]})
    drawn = [name for name in functions if not is_deployment(name)]
    means = {run.name: [mean(run.report["gas"].get(name, [0])) / 1000 for name in drawn] for run in runs}
    picture = draw_bars("gas", "Mean gas by function and run.", "mean gas, thousands", drawn, means)
    columns = [{name: f"{mean(values):,.0f}" for name, values in run.report["gas"].items()} for run in runs]
    table = _beside(runs, "Mean gas by function", first="function", columns=columns, names=functions)
    return Section("Gas", pictures=[picture], tables=[table])


def _bytes(runs: Sequence[FinishedRun]) -> Section:
    means = [{"sent": _mean_of(run, "client_up"), "received": _mean_of(run, "client_down")} for run in runs]
    series = {name: [of_run[name] for of_run in means] for name in ("sent", "received")}
    alt = "Mean bytes a client sends and receives in a round."
    picture = draw_bars("bytes", alt, "bytes", [run.name for run in runs], series)
    columns = [{name: f"{value:,.0f}" for name, value in of_run.items()} for of_run in means]
    table = _beside(runs, "Mean bytes of a client in a round", first="figure", columns=columns)
    return Section("Bytes", pictures=[picture], tables=[table])


def _mean_of(run: FinishedRun, what: str) -> float:
    counts = [count for of_client in run.report["bytes"][what].values() for count in of_client]
    return mean(counts) if counts else 0.0


def _energy(runs: Sequence[FinishedRun]) -> Section:
    rows, texts = [], []
    for run in runs:
        accounts = energy_of(run)
        if isinstance(accounts, str):
            texts.append(f"Of {run.name} not shown: {accounts}")
        else:
            rows.append((run.name, range_text(accounts[0].total), range_text(accounts[0].agreement)))
    headings = ("run", "joules a round", "without clients")
    return Section("Energy", texts, tables=[Table("Energy of the mean round", headings, rows)] if rows else [])


def _faults(runs: Sequence[FinishedRun]) -> Section:
    rows = [
        (
            run.name,
            str(len(run.report["disputes"])),
            f"{sum(entry['taken_wei'] for entry in run.report['disputes']) / 1e18:g}",
            str(len(run.report["failed_rounds"])),
        )
        for run in runs
    ]
    headings = ("run", "faults proven", "ETH slashed", "rounds that came to nothing")
    return Section("Faults and disputes", tables=[Table("Faults and what they cost", headings, rows)])


def _repeat(runs: Sequence[FinishedRun]) -> Section:
    listings = []
    for run in runs:
        listings += [f"# {run.name}.toml\n{job_toml(run.job)}", repeat_command(f"{run.name}.toml")]
    return Section("Repeat them", listings=listings)


def read_attacks(path: Path) -> Section:
    """The section of a file of attacks. Raises InvalidInput: the file is none."""
    try:
        return attack_section(read_json(path))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InvalidInput("attacks", str(path), f"is not what `qfl attack --out FILE` writes: {error!r}") from error


def attack_section(rows: Sequence[Mapping[str, Any]]) -> Section:
    """What stopped each attack, what it cost the attacker, and what damage it did."""
    shown = [
        (
            f"{row['attack']}: {row['tries']}",
            "nothing yet" if row["is_open"] else ", ".join(row["stopped_by"]) or "-",
            f"{row['stake_lost_eth']:g}",
            str(row["rounds_lost"]),
            "yes" if row["honest_funds_unchanged"] else "no",
            "yes" if row["model_unchanged"] else "no",
        )
        for row in rows
    ]
    headings = ("attack", "stopped by", "ETH lost", "rounds repeated", "honest funds unchanged", "model unchanged")
    text = "From `qfl attack`: each beside the same run without it."
    table = Table("Attacks on the protocol", headings, shown, is_text=True)
    return Section("Attacks on the protocol", [text], tables=[table])
