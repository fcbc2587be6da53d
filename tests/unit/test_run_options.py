"""Where a command reads: a run's folder comes before the environment, and what was typed before both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from qfl.apps.cli import options

NETWORK = {
    "QFL_RPC": "http://chain",
    "QFL_IPFS": "http://ipfs",
    "QFL_DEPLOYMENT": "other.json",
    "QFL_SHARD_RPC": "http://shard",
}


def _places(*arguments: str) -> dict[str, Any]:
    """What a command gets that was started with these arguments in the environment of a network."""
    found: dict[str, Any] = {}
    command = click.command()(options.run_or_network(lambda **places: found.update(places)))
    done = CliRunner().invoke(command, arguments, env=NETWORK)
    assert done.exit_code == 0, done.output
    return found


def test_without_a_run_the_environment_says_where() -> None:
    places = _places()
    assert (places["rpc"], places["ipfs"], places["deployment"]) == ("http://chain", "http://ipfs", Path("other.json"))
    assert places["shard_rpcs"] == ("http://shard",)


@pytest.mark.parametrize("arguments", [["--run", "mine"], ["--rpc", "http://mine", "--run", "mine"]])
def test_a_run_is_read_in_its_own_place(arguments: list[str]) -> None:
    places = _places(*arguments)
    assert (places["run_folder"], places["ipfs"], places["deployment"]) == (Path("mine"), None, None)
    assert places["shard_rpcs"] == ()
    assert places["rpc"] == ("http://mine" if "--rpc" in arguments else None)
