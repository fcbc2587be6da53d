"""Where a command reads: a run's folder comes before the environment, and what was typed before both."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from qfl.apps.cli.network import Source
from qfl.apps.cli.options import take

NETWORK = {
    "QFL_RPC": "http://chain",
    "QFL_IPFS": "http://ipfs",
    "QFL_DEPLOYMENT": "other.json",
    "QFL_SHARD_RPC": "http://shard",
}


def _source(*arguments: str) -> Source:
    """What a command gets that was started with these arguments in the environment of a network."""
    found: list[Source] = []

    @click.command()
    @take(source=Source)
    def command(source: Source) -> None:
        found.append(source)

    done = CliRunner().invoke(command, arguments, env=NETWORK)
    assert done.exit_code == 0, done.output
    return found[0]


def test_without_a_run_the_environment_says_where() -> None:
    assert _source() == Source(None, "http://chain", "http://ipfs", Path("other.json"), ("http://shard",))


@pytest.mark.parametrize("arguments", [["--run", "mine"], ["--rpc", "http://mine", "--run", "mine"]])
def test_a_run_is_read_in_its_own_place(arguments: list[str]) -> None:
    rpc = "http://mine" if "--rpc" in arguments else None
    assert _source(*arguments) == Source(Path("mine"), rpc, ipfs=None, deployment=None, shard_rpcs=())
