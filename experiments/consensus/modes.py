"""The same job in the transparent and in the private mode: what privacy costs, in time, bytes and gas.

Seeds decide data, training and rounding, so both modes train on the same updates: that accuracies are equal shows that
nothing but the wrapping differs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import mean, median
from typing import Any

from rich.table import Table

from experiments.figures import save
from qfl.simulation.config import JobConfig
from qfl.simulation.display import Display
from qfl.simulation.mark import check_folder
from qfl.simulation.run import Place, run_job
from qfl.training.job import MODES

NAME = "modes.json"


def bench_modes(
    config: JobConfig,
    folder: Path,
    zk_keys: Path | None,
    make_display: Callable[[str], Display],
    overwrite: bool = False,
) -> dict[str, dict[str, Any]]:
    """Run the job in both modes, in `<folder>/<mode>`, and write what they came to into `<folder>/modes.json`.

    Raises:
        QflError: one of the runs did not end well.
    """
    for mode in MODES:
        check_folder(folder / mode, overwrite=overwrite)
    results = {}
    for mode in MODES:
        with make_display(mode) as display:
            job = replace(config, mode=mode, central_epochs=0)
            place = Place(folder / mode, zk_keys=zk_keys, overwrite=overwrite)
            results[mode] = summarise(run_job(job, place, display))
    save(folder / NAME, results)
    return results


def summarise(report: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of one run: seconds are means over its rounds, gas is the median of each function's receipts."""
    rounds, proofs = report["rounds"], report["proof_seconds"]
    stages = dict.fromkeys(stage for entry in rounds for stage in entry["seconds"])
    seconds = {stage: mean(entry["seconds"].get(stage, 0.0) for entry in rounds) for stage in stages}
    return {
        "accuracy": report["final"]["accuracy"],
        "model_digest": report["final"]["model_digest"],
        "rounds": len(rounds),
        "seconds": {stage: round(value, 4) for stage, value in seconds.items()},
        "seconds_a_proof": round(median(proofs), 4) if proofs else 0.0,
        "client_up_bytes": report["bytes"]["client_up_per_round"],
        "client_down_bytes": report["bytes"]["client_down_per_round"],
        "gas": {name: round(median(values)) for name, values in sorted(report["gas"].items())},
    }


def modes_table(results: Mapping[str, Mapping[str, Any]]) -> Table:
    """A line for each figure, a column for each mode; a function that a mode does not call is left empty."""
    table = Table("", *results, title="One job in both modes")
    sides = list(results.values())
    table.add_row("final accuracy", *(f"{side['accuracy']:.1%}" for side in sides))
    table.add_row("final model", *(side["model_digest"][:18] for side in sides))
    for stage in dict.fromkeys(stage for side in sides for stage in side["seconds"]):
        table.add_row(f"{stage}, s a round", *(f"{side['seconds'].get(stage, 0.0):.3f}" for side in sides))
    table.add_row("one proof, s", *(f"{side['seconds_a_proof']:.3f}" for side in sides))
    table.add_row("client sends, bytes a round", *(f"{side['client_up_bytes']:,}" for side in sides))
    table.add_row("client receives, bytes a round", *(f"{side['client_down_bytes']:,}" for side in sides))
    for name in sorted({name for side in sides for name in side["gas"]}):
        table.add_row(f"{name}, gas", *(f"{side['gas'][name]:,}" if name in side["gas"] else "" for side in sides))
    return table
