"""Gas that is committed beside the tests that measure it, so that a change of it is seen in a diff."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

TESTS = Path(__file__).parents[1]


def require_as_committed(name: str, gas: Mapping[str, int], slack_of: Callable[[str], int]) -> None:
    """Compare receipts with `tests/<name>.json`; with QFL_UPDATE_GAS set, write them there first.

    Args:
        gas: by scenario.
        slack_of: how much a scenario may differ from run to run.
    """
    snapshot = TESTS / f"{name}.json"
    if os.environ.get("QFL_UPDATE_GAS"):
        snapshot.write_text(json.dumps(gas, indent=2) + "\n")
    committed = json.loads(snapshot.read_text())
    assert gas.keys() == committed.keys()
    for scenario, value in committed.items():
        assert abs(gas[scenario] - value) <= slack_of(scenario), (scenario, gas[scenario], value)
