"""`make test` and `make test-rest` are all tests: none is in neither. Hooks run what `make check` runs before them."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()


def folders_run_by(target: str) -> set[str]:
    recipe = MAKEFILE.split(f"\n{target}:", 1)[1].split("\n\n", 1)[0]
    return set(re.findall(r"\btests/\w+", recipe))


def test_every_file_of_tests_is_in_a_folder_that_make_runs() -> None:
    run = folders_run_by("test-python") | folders_run_by("test-contracts")
    assert {str(path.parent.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")} == run


@pytest.mark.parametrize("target", ["test-python", "test-contracts"])
def test_one_selection_is_the_complement_of_the_other(target: str) -> None:
    """Of the same folders: what is not marked, and what is; CI runs both."""
    assert re.findall(r"""TESTS='-m (.+?)'.* test-python test-contracts\n""", MAKEFILE) == ['"not rest"', "rest"]
    assert "$(TESTS)" in MAKEFILE.split(f"\n{target}:", 1)[1].split("\n\n", 1)[0]
    assert re.findall(r"^make (.+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE) == ["test", "test-rest"]


def test_the_mark_is_one_that_pytest_knows() -> None:
    """With `--strict-markers`, a misspelt one is an error; Brownie's pytest does without that option."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert any(marker.startswith("rest:") for marker in settings["markers"])
    assert "--strict-markers" in settings["addopts"]


def test_hooks_run_what_make_check_runs() -> None:
    recipe = re.search(r"^check:.*\n((?:\t.*\n)+)", MAKEFILE.replace("$(BIN)", ".venv/bin"), re.MULTILINE)
    assert recipe
    commands = [line.strip() for line in recipe[1].splitlines() if "$(MAKE)" not in line]
    hooks = re.findall(r"^ +entry: (.*)$", (ROOT / ".pre-commit-config.yaml").read_text(), re.MULTILINE)
    assert hooks == commands
