"""The same job twice: in a calm world, and in one where participants come and go, straggle and fall silent.

Both runs deal the data out alike, newcomers' shares included, and start from the same model. What must not differ is
said in figures: rounds that finished, stakes that are still there. Accuracy may, a little.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import mean
from typing import Any

from rich.table import Table

from experiments.consensus.stakes import audit_stakes
from experiments.figures import save
from qfl.simulation.config import JobConfig
from qfl.simulation.display import Display
from qfl.simulation.faults.config import dynamics_config
from qfl.simulation.mark import check_folder
from qfl.simulation.run import Place, run_job

NAME = "chaos.json"
COUNTS = ("joined", "returned", "left", "straggled", "moved")


def bench_chaos(
    config: JobConfig, folder: Path, make_display: Callable[[str], Display], overwrite: bool = False
) -> dict[str, Any]:
    """Run the job calmed and as it is, in `<folder>/calm` and `<folder>/chaos`; write `<folder>/chaos.json`.

    Raises:
        QflError: one of the runs did not end well.
    """
    dynamics = dynamics_config(config.dynamics)
    worlds = {"calm": dynamics.calmed(), "chaos": dynamics}
    for name in worlds:
        check_folder(folder / name, overwrite=overwrite)
    results: dict[str, Any] = {}
    for name, world in worlds.items():
        with make_display(name) as display:
            job = replace(config, dynamics=asdict(world), central_epochs=0)
            report = run_job(job, Place(folder / name, overwrite=overwrite), display)
        results[name] = {**summarise(report), "stakes": audit_stakes(folder / name)}
    results["points_lost"] = round(100 * (results["calm"]["accuracy"] - results["chaos"]["accuracy"]), 2)
    save(folder / NAME, results)
    return results


def summarise(report: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of one run; counts are over all its rounds, `missed` is a list of rounds, shards and reasons."""
    rounds = report["rounds"]
    worlds = [entry["dynamics"] for entry in rounds]
    return {
        "accuracy": report["final"]["accuracy"],
        "by_round": [entry["accuracy"] for entry in rounds],
        "rounds": len(rounds),
        "failed_rounds": len(report["failed_rounds"]),
        "present_a_round": round(mean(world["present"] for world in worlds), 2),
        "included_a_round": round(mean(entry["included"] for entry in rounds), 2),
        **{name: sum(world[name] for world in worlds) for name in COUNTS},
        "missed": [{"round": entry["round"], **missed} for entry in rounds for missed in entry["missed"]],
        "simulated_seconds": {
            "commit_deadline_a_round": round(mean(world["deadlines"]["commit"] for world in worlds), 1),
            "transfer_a_client": round(mean(world["simulated_seconds"]["transfer"] for world in worlds), 4),
        },
        "measured_seconds_a_round": round(mean(sum(entry["seconds"].values()) for entry in rounds), 2),
    }


def chaos_table(results: Mapping[str, Any]) -> Table:
    """A line for each figure, a column for each run."""
    sides = [results["calm"], results["chaos"]]
    table = Table("", "calm", "chaos", title=f"One job in two worlds: {results['points_lost']:.2f} points lost")
    table.add_row("final accuracy", *(f"{side['accuracy']:.2%}" for side in sides))
    table.add_row("rounds finished, failed", *(f"{side['rounds']}, {side['failed_rounds']}" for side in sides))
    for name in ("present_a_round", "included_a_round", *COUNTS):
        table.add_row(name.replace("_", " "), *(f"{side[name]:g}" for side in sides))
    table.add_row("shards that missed", *(_missed(side["missed"]) for side in sides))
    for name in sides[0]["simulated_seconds"]:
        values = (side["simulated_seconds"][name] for side in sides)
        table.add_row(f"{name.replace('_', ' ')}, simulated s", *(f"{value:.3f}" for value in values))
    table.add_row("a round, measured s", *(f"{side['measured_seconds_a_round']:.2f}" for side in sides))
    for name in ("participants", "withdrawn", "lost"):
        table.add_row(f"stakes: {name}", *(str(side["stakes"][name]) for side in sides))
    return table


def _missed(entries: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{entry['shard']} in round {entry['round']}" for entry in entries) or "none"
