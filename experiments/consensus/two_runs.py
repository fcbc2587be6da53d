"""One job run twice, side by side: in both modes, or in a calm world and in one of churn, stragglers and silence.

Seeds decide data, training and rounding. So both modes train on the same updates: that accuracies are equal shows that
nothing but the wrapping differs. Both worlds deal the data out alike, newcomers' shares included, and start from the
same model. What must not differ there is said in figures: rounds that finished, stakes that are still there. Accuracy
may, a little.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import mean, median
from typing import Any

from rich.table import Table

from experiments.figures import save
from qfl.chain.contracts.staking import Role, Staking
from qfl.chain.deployment import Deployment
from qfl.chain.rpc.connection import connect
from qfl.devnet.devnet import Devnet
from qfl.simulation.config import JobConfig
from qfl.simulation.display import Display
from qfl.simulation.faults.config import dynamics_config
from qfl.simulation.folder import check_folder, kept_devnet
from qfl.simulation.run import Place, run_job
from qfl.training.job import MODES

COUNTS = ("joined", "returned", "left", "straggled", "moved")

Results = dict[str, Any]


def run_each(
    jobs: Mapping[str, JobConfig], place: Place, make_display: Callable[[str], Display]
) -> Iterator[tuple[str, Results]]:
    """Run every job at `place`, in the folder of its name, without the centralised comparison; names and reports.

    Raises:
        QflError: a folder is taken, which is known before the first run begins, or one of the runs did not end well.
    """
    for name in jobs:
        check_folder(place.folder / name, overwrite=place.overwrite)
    for name, job in jobs.items():
        with make_display(name) as display:
            yield name, run_job(replace(job, central_epochs=0), replace(place, folder=place.folder / name), display)


# --- transparent and private -------------------------------------------------------------------------------------


def bench_modes(
    config: JobConfig,
    folder: Path,
    zk_keys: Path | None,
    make_display: Callable[[str], Display],
    overwrite: bool = False,
) -> dict[str, Results]:
    """Run the job in `<folder>/<mode>`, and write what it came to into `<folder>/modes.json`. Raises as `run_each`."""
    jobs = {mode: replace(config, mode=mode) for mode in MODES}
    place = Place(folder, zk_keys=zk_keys, overwrite=overwrite)
    results = {mode: figures_of_mode(report) for mode, report in run_each(jobs, place, make_display)}
    save(folder / "modes.json", results)
    return results


def figures_of_mode(report: Mapping[str, Any]) -> Results:
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


# --- calm and chaos ----------------------------------------------------------------------------------------------


def bench_chaos(
    config: JobConfig, folder: Path, make_display: Callable[[str], Display], overwrite: bool = False
) -> Results:
    """Run the job calmed and as it is, in `<folder>/calm` and `<folder>/chaos`; write `<folder>/chaos.json`.

    Raises as `run_each`.
    """
    dynamics = dynamics_config(config.dynamics)
    worlds = {"calm": dynamics.calmed(), "chaos": dynamics}
    jobs = {name: replace(config, dynamics=asdict(world)) for name, world in worlds.items()}
    results: Results = {
        name: {**figures_of_world(report), "stakes": audit_stakes(folder / name)}
        for name, report in run_each(jobs, Place(folder, overwrite=overwrite), make_display)
    }
    results["points_lost"] = round(100 * (results["calm"]["accuracy"] - results["chaos"]["accuracy"]), 2)
    save(folder / "chaos.json", results)
    return results


def figures_of_world(report: Mapping[str, Any]) -> Results:
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


def audit_stakes(folder: Path) -> dict[str, int]:
    """Of the participants of the run in `folder`: how many there were, have withdrawn, have lost any of their stake.

    A stake is lost unless it is there in full, or was paid back in full with whatever was earned.
    """
    deployment = Deployment.load(folder / "deployment.json")
    beacon_chain = replace(kept_devnet(folder, with_ipfs=False), shard_chains=0)  # stakes are nowhere else
    with Devnet(beacon_chain) as devnet:
        staking = Staking(connect(devnet.rpc_url), deployment.contracts["Staking"].address)
        bondings = staking.bondings(deployment.block)
        withdrawals = staking.withdrawals(deployment.block)
        records = {bonding.id: staking.participant(bonding.id) for bonding in bondings}
    kept = [
        withdrawals.get(bonding.id, 0) if records[bonding.id].role is Role.NONE else records[bonding.id].stake_wei
        for bonding in bondings
    ]
    lost = sum(found < bonding.stake_wei for found, bonding in zip(kept, bondings, strict=True))
    return {"participants": len(bondings), "withdrawn": len(withdrawals), "lost": lost}


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
