"""Commands of other packages: they stand beside the program's own, and one that is broken stops none but itself."""

import re
import tomllib
from pathlib import Path

import click
import pytest

from qfl.apps.cli import behaviour, main
from qfl.client.client import Client
from qfl.doors import Door
from qfl.errors import InvalidInput
from tests.commands import require_one_line, run_command

ROOT = Path(__file__).parents[2]
BROKEN = {
    "imports what is not there": "import no_such_library",
    "is no Python": "def (",
    "has no such name": "",
    "has no command": "greet = 'good day'",
    "ends the program": "raise SystemExit(9)",
}
"""What is wrong with a package's module, and the module."""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Installs a package `stranger` whose one module has this source, with these entry points of a group."""

    def make(source: str, group: str = "qfl.commands", **entry_points: str) -> None:
        name = f"stranger_{tmp_path.name}"  # a module is imported once in a process
        (tmp_path / f"{name}.py").write_text(source)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        entries = (f"{command} = {name}:{target}\n" for command, target in entry_points.items())
        (info / "entry_points.txt").write_text(f"[{group}]\n" + "".join(entries))
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(main, "COMMANDS", Door[click.Command]("command"))
        monkeypatch.setattr(behaviour, "ADVERSARIES", Door("adversary", group="qfl.adversaries"))

    return make


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no other package were installed."""
    monkeypatch.setattr(main, "COMMANDS", Door[click.Command]("command", group="qfl.nothing"))
    monkeypatch.setattr(behaviour, "ADVERSARIES", Door("adversary", group="qfl.nothing"))


def test_a_package_brings_a_command(install, capsys):
    install(
        "import click\n\n@click.command()\ndef greet():\n    'Say good day.'\n    print('good day')\n", greet="greet"
    )
    assert "Say good day." in run_command(capsys, "--help").output
    assert run_command(capsys, "greet").output == "good day\n"


def test_a_package_cannot_take_the_place_of_a_command(install, capsys):
    install("raise RuntimeError('loaded')", verify="verify")
    done = run_command(capsys, "verify", "--help")
    assert done.exit_code == 0
    assert "loaded" not in done.output + done.errors


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_command_is_listed_and_stops_no_other(install, capsys, fault):
    install(BROKEN[fault], greet="greet")
    listed = run_command(capsys, "--help")
    assert listed.exit_code == 0
    assert "greet" in listed.output and "(cannot be loaded)" in listed.output and "verify" in listed.output
    assert run_command(capsys, "verify", "--help").exit_code == 0


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_command_says_what_is_wrong(install, capsys, fault):
    install(BROKEN[fault], greet="greet")
    line = require_one_line(run_command(capsys, "greet", "--loudly", "Ada"), exit_code=2)
    assert "cannot be loaded" in line and "mend or remove the package" in line


def test_without_experiments_nothing_is_said_of_them(alone, capsys):
    theirs = tomllib.loads((ROOT / "experiments/pyproject.toml").read_text())["project"]["entry-points"]
    listed = run_command(capsys, "--help").output
    assert "experiments" not in listed
    assert not theirs["qfl.commands"].keys() & set(re.findall(r"^  (\w+)", listed, re.MULTILINE))


def test_a_missing_command_names_the_package_that_may_have_it(alone, capsys):
    line = require_one_line(run_command(capsys, "attack", "--list"), exit_code=2)
    assert "'attack'" in line and "qflchain-experiments" in line


def test_a_missing_adversary_names_the_package_that_may_have_it(alone):
    with pytest.raises(InvalidInput, match=r"attack = 'bad-root': .* package qflchain-experiments"):
        behaviour.find_behaviour("bad-root", Client)


def test_any_package_brings_an_adversary(install):
    install(
        "from qfl.apps.cli.behaviour import Behaviour\nfrom qfl.errors import InvalidInput\n\n"
        "def find(name, honest):\n"
        "    if name != 'lazy':\n        raise InvalidInput('attack', name, 'only lazy is here')\n"
        "    return Behaviour(type('Lazy', (honest,), {}))\n",
        group="qfl.adversaries",
        stranger="find",
    )
    assert behaviour.find_behaviour("lazy", Client).kind.__name__ == "Lazy"
    with pytest.raises(InvalidInput, match="only lazy is here"):
        behaviour.find_behaviour("busy", Client)
