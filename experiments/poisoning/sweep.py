"""`qfl bench attack`: every poison against every defence, on one job, several seeds.

All runs are without a chain (`learning/federation.py`): the same lanes and integer rule as on one, and a committee
whose seats each hold their own validation data. docs/results/robustness.md says what every figure is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from rich.table import Table

from experiments.figures import save, spread
from experiments.poisoning.flower import Flower, Krum
from experiments.poisoning.poison import Poison
from experiments.poisoning.poisons import find_poison
from experiments.poisoning.trial import DEFENCES, NOBODY, Defence, Field, Outcome
from qfl.simulation.config import JobConfig

NAME = "attack.json"
UNATTACKED = "none"
KRUM = Defence("krum", "Multi-Krum\n(Flower)", 0)
"""Needs Flower, and is told how many attack."""
BRIEF = "mean", "judged"

Results = dict[str, Any]


def bench_attack(
    config: JobConfig,
    out: Path,
    partitions: Sequence[str],
    percents: Sequence[int],
    poisons: Sequence[str],
    seeds: int,
    announce: Callable[[str], None],
    flower: Flower | None = None,
    brief: bool = False,
) -> Results:
    """Run every combination, and write what it came to into `<out>/attack.json`, setting by setting.

    Args:
        config: the job; its seed is the first of `seeds`, and its `validation_percent` what the committee judges by.
            Clients have the same data behind every defence.
        percents: shares of attacking clients, 1 to 50.
        brief: leaves out the trimmed mean and the median.
        flower: adds Multi-Krum, and how far Flower's trimmed mean and median are from ours.

    Raises:
        InvalidInput: no such poison, or data that the job does not fit.
    """
    chosen = {name: find_poison(name) for name in poisons}
    defences = [*(defence for defence in DEFENCES if not brief or defence.name in BRIEF), *([KRUM] if flower else [])]
    results: Results = {"config": asdict(config), "seeds": seeds, "settings": []}

    def measure(fields: Sequence[Field], poison: Poison, percent: int) -> Results:
        sides: dict[str, list[Outcome]] = {defence.name: [] for defence in defences}
        for field, defence in product(fields, defences):
            attackers = field.attackers(percent)
            chooser = Krum(flower, len(attackers)) if flower and defence is KRUM else None
            sides[defence.name].append(field.run(poison, attackers, defence, chooser))
        return {name: summarise(outcomes) for name, outcomes in sides.items()}

    for partition in partitions:
        jobs = [replace(config, partition=partition, seed=config.seed + step) for step in range(seeds)]
        fields = [Field.prepare(job) for job in jobs]
        announce(f"{partition}: nobody attacks")
        calm = measure(fields, NOBODY, 0)
        for percent in percents:
            setting: dict[str, Any] = {"partition": partition, "percent": percent, "attacks": {UNATTACKED: calm}}
            results["settings"].append(setting)
            for name, poison in chosen.items():
                announce(f"{partition}: {percent} % {name}")
                setting["attacks"][name] = measure(fields, poison, percent)
                save(out / NAME, results)
        if flower is not None:
            results["flower"] = flower.differences(fields[0].first_updates())
            save(out / NAME, results)
    return results


def summarise(outcomes: Sequence[Outcome]) -> dict[str, dict[str, float]]:
    """Mean and standard deviation of every figure over the seeds, and the least and most."""
    figures = [asdict(outcome) for outcome in outcomes]
    return {
        name: {
            which: round(value, 4)
            for which, value in {**spread(values, mean), "spread": stdev(values) if len(values) > 1 else 0.0}.items()
        }
        for name in figures[0]
        for values in [[figure[name] for figure in figures]]
    }


def attack_tables(results: Mapping[str, Any]) -> list[Table]:
    """For each setting a line for each attack: accuracy behind each defence, and how many were left out by the last."""
    return [_table(setting) for setting in results["settings"]]


def _table(setting: Mapping[str, Any]) -> Table:
    table = Table("attack", title=f"{setting['partition']}, {setting['percent']} % attackers: accuracy, %")
    defences = [defence for defence in (*DEFENCES, KRUM) if defence.name in setting["attacks"][UNATTACKED]]
    for defence in defences:
        table.add_column(defence.title, justify="right")
    for heading in ("honest\nleft out, %", "attackers\nleft out, %", "trigger, %\nmean / judged"):
        table.add_column(heading, justify="right")
    for name, sides in setting["attacks"].items():
        judged, plain = sides["judged"], sides["mean"]
        triggers = f"{plain['trigger']['mean']:.0%} / {judged['trigger']['mean']:.0%}".replace("%", "")
        table.add_row(
            name,
            *(_with_spread(sides[defence.name]["accuracy"]) for defence in defences),
            f"{100 * judged['honest_left_out']['mean']:.1f}",
            f"{100 * judged['attackers_left_out']['mean']:.0f}",
            triggers if plain["trigger"]["mean"] or judged["trigger"]["mean"] else "",
        )
    return table


def _with_spread(figure: Mapping[str, float]) -> str:
    return f"{100 * figure['mean']:.1f} ± {100 * figure['spread']:.1f}"
