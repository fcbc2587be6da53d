"""Where a command reads: a run's folder comes before the environment, and what was typed before both.

And what `qfl run` refuses before it starts anything.
"""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from qfl.apps.cli.network import Source
from qfl.apps.cli.options import job_files, take
from qfl.errors import InvalidInput
from qfl.training.data.datasets import DATASETS
from tests.commands import require_one_line, run_command

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


ENTRY = """
from qfl.training.data.datasets import DATASETS

@DATASETS.register("beside-its-job")
def load(source): ...
"""


def test_the_job_file_of_a_run_brings_the_modules_beside_it(tmp_path: Path) -> None:
    """Without it the error says how a run's own entries are found again."""

    @click.command()
    @job_files
    def read() -> None:
        DATASETS.find("beside-its-job", "dataset")

    with pytest.raises(InvalidInput, match=r"install the package that has it, or name the run's job file with --conf"):
        CliRunner().invoke(read, [], catch_exceptions=False)
    (tmp_path / "beside_module.py").write_text(ENTRY)
    job = tmp_path / "job.toml"
    job.write_text('dataset = "beside_module:load"')
    assert CliRunner().invoke(read, ["--config", str(job)], catch_exceptions=False).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--shard-rpc http://127.0.0.1:9", "pass --rpc"),
        ("--config nofile.toml", "name a job's TOML file"),
        ("--shards 0", "shards = 0: must be a whole number from 1"),
        ("--seats 0", "seats = 0: must be a whole number from 1"),
    ],
)
def test_a_run_that_cannot_be_is_refused_in_one_line(
    arguments: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    line = require_one_line(run_command(capsys, "run", *arguments.split(), "--out", str(folder)), exit_code=2)
    assert said in line
    assert not folder.exists()


@pytest.mark.parametrize("command", [["run"], ["client", "run"], ["client", "host"]])
def test_help_says_what_else_may_be_named(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    said = " ".join(run_command(capsys, *command, "--help").output.split())
    assert said.count("an installed package's, or package.module:Name") == (3 if command == ["run"] else 2)
