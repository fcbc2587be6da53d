"""Several runs on one page: what differs between them, and what that came to."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from qfl.apps.report.figures import draw_bars, draw_stack
from qfl.apps.report.finished import FinishedRun, energy_of
from qfl.apps.report.page import Page, Section, Table
from qfl.apps.report.plots import accuracy_figure, is_deployment, stages_of
from qfl.apps.report.repeat import job_toml, repeat_command
from qfl.apps.report.sections import all_settings, range_text, summary_rows, unfinished

ABSENT = "-"


def comparison_page(runs: Sequence[FinishedRun]) -> Page:
    """The runs side by side, in the order given; `runs` are two or more, with different names."""
    best = max(runs, key=lambda run: float(run.report["final"]["accuracy"]))
    intro = f"{len(runs)} runs side by side; {best.name} ends best, at {best.report['final']['accuracy']:.1%}."
    sections = [
        _summary(runs),
        _settings(runs),
        _accuracy(runs),
        _time(runs),
        _gas(runs),
        _bytes(runs),
        _energy(runs),
        _faults(runs),
        _repeat(runs),
    ]
    warnings = [warning for run in runs for warning in unfinished(run)]
    return Page("Runs compared", intro, sections, warnings)


def _names(runs: Sequence[FinishedRun]) -> list[str]:
    return [run.name for run in runs]


def _summary(runs: Sequence[FinishedRun]) -> Section:
    columns = [dict(summary_rows(run)) for run in runs]
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [(name, *(column.get(name, ABSENT) for column in columns)) for name in names]
    return Section("In short", tables=[Table("The runs in short", ("figure", *_names(runs)), rows)])


def _settings(runs: Sequence[FinishedRun]) -> Section:
    columns = [dict(all_settings(run)) for run in runs]
    names = dict.fromkeys(name for column in columns for name in column)
    different = [name for name in names if len({column.get(name, ABSENT) for column in columns}) > 1]
    if not different:
        return Section("What differs", ["Nothing: all settings are the same."])
    rows = [(name, *(column.get(name, ABSENT) for column in columns)) for name in different]
    return Section(
        "What differs", tables=[Table("Settings that differ", ("setting", *_names(runs)), rows, is_text=True)]
    )


def _accuracy(runs: Sequence[FinishedRun]) -> Section:
    picture = accuracy_figure({run.name: run.report for run in runs})
    by_round = [{entry["round"]: f"{entry['accuracy']:.2%}" for entry in run.report["rounds"]} for run in runs]
    rounds = sorted({number for column in by_round for number in column})
    rows = [(str(number), *(column.get(number, ABSENT) for column in by_round)) for number in rounds]
    return Section("Accuracy", pictures=[picture], tables=[Table("Test accuracy", ("round", *_names(runs)), rows)])


def _time(runs: Sequence[FinishedRun]) -> Section:
    stages = list(dict.fromkeys(stage for run in runs for stage in stages_of(run.report)))
    means = {
        stage: [mean(entry["seconds"].get(stage, 0.0) for entry in run.report["rounds"]) for run in runs]
        for stage in stages
    }
    picture = draw_stack("seconds", "Mean seconds of each stage by run.", ("", "seconds a round"), _names(runs), means)
    rows = [(stage, *(f"{value:.3f}" for value in values)) for stage, values in means.items()]
    return Section("Time by stage", [], [picture], [Table("Mean seconds a round", ("stage", *_names(runs)), rows)])


def _gas(runs: Sequence[FinishedRun]) -> Section:
    functions = sorted({name for run in runs for name in run.report["gas"]})
    drawn = [name for name in functions if not is_deployment(name)]
    means = {run.name: [mean(run.report["gas"].get(name, [0])) / 1000 for name in drawn] for run in runs}
    picture = draw_bars("gas", "Mean gas by function and run.", "mean gas, thousands", drawn, means)
    rows = [
        (name, *(f"{mean(run.report['gas'][name]):,.0f}" if name in run.report["gas"] else ABSENT for run in runs))
        for name in functions
    ]
    return Section("Gas", [], [picture], [Table("Mean gas by function", ("function", *_names(runs)), rows)])


def _bytes(runs: Sequence[FinishedRun]) -> Section:
    sums = {
        "sent": [_mean_of(run, "client_up") for run in runs],
        "received": [_mean_of(run, "client_down") for run in runs],
    }
    picture = draw_bars("bytes", "Mean bytes a client sends and receives in a round.", "bytes", _names(runs), sums)
    rows = [(name, *(f"{value:,.0f}" for value in values)) for name, values in sums.items()]
    return Section(
        "Bytes", [], [picture], [Table("Mean bytes of a client in a round", ("figure", *_names(runs)), rows)]
    )


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
