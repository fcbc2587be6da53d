"""Plots of a run as PNG files."""

from __future__ import annotations

from pathlib import Path
from statistics import mean
from typing import Any


def write_plots(folder: Path, report: dict[str, Any]) -> list[Path]:
    """Write accuracy, time and gas as `<folder>/*.png`; return the paths."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import MaxNLocator

    rounds = report["rounds"]
    numbers = [entry["round"] for entry in rounds]
    written = []

    def save(name: str, title: str, x: str, y: str) -> None:
        axes = plt.gca()
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
        plt.title(title)
        plt.xlabel(x)
        plt.ylabel(y)
        plt.tight_layout()
        plt.savefig(folder / f"{name}.png", dpi=120)
        plt.close()
        written.append(folder / f"{name}.png")

    plt.figure(figsize=(7, 4))
    plt.plot(numbers, [entry["accuracy"] for entry in rounds], marker="o", label="federated, on chain")
    if central := (report["central"] or {}).get("accuracy"):
        scale = len(numbers) / len(central)
        plt.plot([numbers[0] - 1 + scale * (i + 1) for i in range(len(central))], central, label="central")
    plt.grid(alpha=0.3)
    save("accuracy", "Test accuracy by round", "round", "accuracy")

    plt.figure(figsize=(7, 4))
    bottom = [0.0] * len(rounds)
    for stage in dict.fromkeys(stage for entry in rounds for stage in entry["seconds"]):
        values = [entry["seconds"].get(stage, 0.0) for entry in rounds]
        plt.bar(numbers, values, bottom=bottom, label=stage)
        bottom = [low + value for low, value in zip(bottom, values, strict=True)]
    save("seconds", "Time by stage", "round", "seconds")

    names = sorted(report["gas"], key=lambda name: mean(report["gas"][name]))
    plt.figure(figsize=(7, 0.3 * len(names) + 1.5))
    plt.barh(names, [mean(report["gas"][name]) / 1000 for name in names])
    plt.grid(alpha=0.3, axis="x")
    save("gas", "Mean gas by function", "thousand gas", "")
    return written
