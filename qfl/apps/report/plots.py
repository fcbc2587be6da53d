"""The figures of a run, and their PNG files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from qfl.apps.report.figures import Picture, Points, draw_bars, draw_lines, draw_stack
from qfl.files import write_atomically

Report = dict[str, Any]
"""A run's `report.json`."""


def write_plots(folder: Path, report: Report) -> list[Path]:
    """Write accuracy, time and gas as `<folder>/*.png`; return the paths."""
    return write_pictures(
        folder, [accuracy_figure({"federated, on chain": report}), seconds_figure(report), gas_figure(report)]
    )


def write_pictures(folder: Path, pictures: Sequence[Picture]) -> list[Path]:
    """Write pictures as `<folder>/<name>.png`, on a light ground; return the paths."""
    for picture in pictures:
        write_atomically(folder / f"{picture.name}.png", picture.light)
    return [folder / f"{picture.name}.png" for picture in pictures]


def accuracy_figure(reports: dict[str, Report]) -> Picture:
    """Test accuracy by round of each run; of a single one beside the same model trained centrally."""
    series: dict[str, Points] = {
        title: [(entry["round"], entry["accuracy"]) for entry in r["rounds"]] for title, r in reports.items()
    }
    if len(reports) == 1:
        (report,) = reports.values()
        if points := central_points(report):
            series["central"] = points
    said = "; ".join(f"{title} ends at {points[-1][1]:.1%}" for title, points in series.items() if points)
    return draw_lines("accuracy", f"Test accuracy by round: {said}.", ("round", "test accuracy"), series)


def central_points(report: Report) -> Points:
    """(round, accuracy) of the central training, its epochs spread over the run's rounds; empty without one."""
    central = (report["central"] or {}).get("accuracy", [])
    first, scale = report["rounds"][0]["round"], len(report["rounds"]) / max(1, len(central))
    return [(first - 1 + scale * (epoch + 1), accuracy) for epoch, accuracy in enumerate(central)]


def seconds_figure(report: Report) -> Picture:
    """Seconds of every stage, round by round."""
    rounds = report["rounds"]
    parts = {stage: [entry["seconds"].get(stage, 0.0) for entry in rounds] for stage in stages_of(report)}
    longest = max(parts, key=lambda stage: sum(parts[stage]))
    alt = f"Seconds of each stage by round; {longest} takes longest, {mean(parts[longest]):.2f} s a round."
    return draw_stack("seconds", alt, ("round", "seconds"), [str(entry["round"]) for entry in rounds], parts)


def stages_of(report: Report) -> list[str]:
    """The stages of a run, in their order."""
    return list(dict.fromkeys(stage for entry in report["rounds"] for stage in entry["seconds"]))


def gas_figure(report: Report) -> Picture:
    """Mean gas of every function, the dearest last; deployments would dwarf all others."""
    means = {name: mean(values) for name, values in report["gas"].items() if not is_deployment(name)}
    names = sorted(means, key=lambda name: means[name])
    alt = f"Mean gas by function; {names[-1]} is dearest with {means[names[-1]]:,.0f}."
    return draw_bars("gas", alt, "mean gas, thousands", names, {"gas": [means[name] / 1000 for name in names]})


def is_deployment(label: str) -> bool:
    """Whether such transactions put contracts on the chain: once, and many times dearer than all others."""
    return label.startswith("deploy")
