"""Figures of runs as PNG images, each on a light and on a dark ground; the only place that knows matplotlib."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from qfl.files import write_atomically

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#7f7f7f")
"""Told apart by the colour-blind (Okabe and Ito 2008)."""
MARKERS = "osD^vPX*"
GROUNDS = {"light": ("#ffffff", "#1b1f24"), "dark": ("#15181c", "#e6e8ea")}
"""Ground and ink."""
DOTS_PER_INCH = 110

Report = dict[str, Any]
Points = Sequence[tuple[float, float]]
Draw = Callable[[Any], None]  # on matplotlib's axes


@dataclass(frozen=True)
class Picture:
    """A figure: `name` of its file, `alt` in words for who cannot see it, and two PNG images."""

    name: str
    alt: str
    light: bytes
    dark: bytes


def draw_lines(name: str, alt: str, labels: tuple[str, str], series: Mapping[str, Points], **limits: float) -> Picture:
    """A line for each series of (x, y); `labels` of the axes, `limits` of the y axis (`bottom`, `top`)."""

    def draw(axes: Any) -> None:
        from matplotlib.ticker import MaxNLocator

        for number, (title, points) in enumerate(series.items()):
            marker = MARKERS[number % len(MARKERS)] if len(points) <= 60 else ""
            xs, ys = [x for x, _ in points], [y for _, y in points]
            axes.plot(xs, ys, marker=marker, markersize=4, color=COLOURS[number % len(COLOURS)], label=title)
        axes.set_ylim(**limits)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _finish(axes, labels, legend=len(series) > 1)

    return _picture(name, alt, (7.0, 3.8), draw)


def draw_stack(
    name: str, alt: str, labels: tuple[str, str], columns: Sequence[str], parts: Mapping[str, Sequence[float]]
) -> Picture:
    """Columns, each of several parts on top of each other; a part has a value for each column."""

    def draw(axes: Any) -> None:
        bottom, places = [0.0] * len(columns), range(len(columns))
        for number, (part, values) in enumerate(parts.items()):
            axes.bar(places, values, bottom=bottom, color=COLOURS[number % len(COLOURS)], label=part, width=0.75)
            bottom = [low + value for low, value in zip(bottom, values, strict=True)]
        every = -(-len(columns) // 20)  # of more columns, not every one has room for its name
        axes.set_xticks(range(0, len(columns), every), columns[::every])
        _finish(axes, labels, legend=True)

    return _picture(name, alt, (7.0, 3.8), draw)


def draw_bars(
    name: str,
    alt: str,
    label: str,
    rows: Sequence[str],
    series: Mapping[str, Sequence[float]],
    spreads: Mapping[str, Sequence[float]] | None = None,
) -> Picture:
    """Horizontal bars: for each row one of each series, with half a spread to either side where there is one."""
    height = max(1.6, 0.55 + len(rows) * (0.1 + 0.24 * len(series)))

    def draw(axes: Any) -> None:
        thick = 0.8 / len(series)
        for number, (title, values) in enumerate(series.items()):
            places = [row + (number - (len(series) - 1) / 2) * thick for row in range(len(rows))]
            error = (spreads or {}).get(title)
            colour = COLOURS[number % len(COLOURS)]
            axes.barh(
                places, values, thick * 0.95, color=colour, label=title, xerr=error, ecolor=axes.title.get_color()
            )
        axes.set_yticks(range(len(rows)), rows)
        axes.invert_yaxis()
        axes.grid(axis="x", alpha=0.25)
        _finish(axes, (label, ""), legend=len(series) > 1, grid=False)

    return _picture(name, alt, (7.0, height), draw)


def draw_matrix(name: str, alt: str, labels: tuple[str, str], matrix: Sequence[Sequence[int]]) -> Picture:
    """Counts in a square, darker where there are more; `labels` of columns and rows."""

    def draw(axes: Any) -> None:
        most = max(max(row) for row in matrix) or 1
        axes.imshow(matrix, cmap="Blues", vmin=0, vmax=most)
        if len(matrix) <= 20:
            for row, values in enumerate(matrix):
                for column, value in enumerate(values):
                    colour = "#ffffff" if value > most / 2 else "#1b1f24"
                    axes.text(column, row, str(value), ha="center", va="center", color=colour, fontsize=8)
            axes.set_xticks(range(len(matrix)))
            axes.set_yticks(range(len(matrix)))
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])

    return _picture(name, alt, (5.0, 4.6), draw)


def _picture(name: str, alt: str, inches: tuple[float, float], draw: Draw) -> Picture:
    return Picture(name, alt, *(_image(inches, *ground, draw) for ground in GROUNDS.values()))


def _image(inches: tuple[float, float], ground: str, ink: str, draw: Draw) -> bytes:
    """Drawn without pyplot, whose state is shared by all threads."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    inks: dict[Any, Any] = dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor"), ink)
    grounds: dict[Any, Any] = dict.fromkeys(("figure.facecolor", "axes.facecolor", "legend.facecolor"), ground)
    with mpl.rc_context({**inks, **grounds, "xtick.color": ink, "ytick.color": ink, "font.size": 9}):
        figure = Figure(figsize=inches, layout="constrained")
        draw(figure.add_subplot())
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return file.getvalue()


def _finish(axes: Any, labels: tuple[str, str], legend: bool, grid: bool = True) -> None:
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(alpha=0.25)
    if legend:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def write_plots(folder: Path, report: Report) -> None:
    """Write accuracy, time and gas as `<folder>/*.png`."""
    figures = [accuracy_figure({"federated, on chain": report}), seconds_figure(report), gas_figure(report)]
    write_pictures(folder, figures)


def write_pictures(folder: Path, pictures: Sequence[Picture]) -> None:
    """Write pictures as `<folder>/<name>.png`, on a light ground."""
    for picture in pictures:
        write_atomically(folder / f"{picture.name}.png", picture.light)


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
