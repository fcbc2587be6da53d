"""What somebody's own job file, or command line, names by `package.module:Name`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qfl.doors import Door
from qfl.quantum.registry import ANSAETZE, ENCODERS, TASKS
from qfl.simulation.faults.fault import FAULTS
from qfl.training.data.datasets import DATASETS
from qfl.training.data.partition import own_partition
from qfl.training.recipe import RECIPES
from qfl.training.trainer import EXECUTORS

SETTINGS: Mapping[str, Door[Any]] = {"dataset": DATASETS, "executor": EXECUTORS}
TABLES: Mapping[str, Mapping[str, Door[Any]]] = {
    "model": {"encoding": ENCODERS, "ansatz": ANSAETZE, "task": TASKS},
    "training": {"optimiser": RECIPES},
}


def with_names(values: Mapping[str, Any], beside: Path | None = None) -> dict[str, Any]:
    """The settings of a job, what they name by `package.module:Name` imported, and called as it is registered.

    Only for what the person who runs this has written: `beside` is the folder of his job file.

    Raises InvalidInput: what it names is registered under no name; DoorBroken: it cannot be imported.
    """
    named = {**values, **_named(values, SETTINGS, beside)}
    for table, doors in TABLES.items():
        if isinstance(kept := values.get(table), Mapping):
            named[table] = {**kept, **_named(kept, doors, beside)}
    if isinstance(text := values.get("partition"), str):
        named["partition"] = own_partition(text, beside)
    dynamics = values.get("dynamics")
    if isinstance(dynamics, Mapping) and isinstance(faults := dynamics.get("faults"), Mapping):
        called = {FAULTS.own_name(name, "dynamics.faults", beside): settings for name, settings in faults.items()}
        named["dynamics"] = {**dynamics, "faults": called}
    return named


def _named(values: Mapping[str, Any], doors: Mapping[str, Door[Any]], beside: Path | None) -> dict[str, Any]:
    return {name: door.own_name(values[name], name, beside) for name, door in doors.items() if name in values}
