"""docs/security.md: no guarantee without what shows it, and nothing shown by what is not there."""

import re
from pathlib import Path

import pytest

from experiments.attacks.registry import ALL

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
TABLE = PAGE.split("\n## Guarantees\n")[1].split("\n## ")[0]
ROWS = [row.strip("| ").split(" | ") for row in TABLE.splitlines() if re.match(r"\| \d+ \|", row)]
SOURCES = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
ATTACKS = {attack.name for attack in ALL}


def is_there(reference: str) -> bool:
    """Whether a test file or folder, a test, a function that tests call, or an attack of that name is there."""
    if "/" in reference:
        return (ROOT / reference).exists()
    return reference in ATTACKS or re.search(rf"\b{re.escape(reference)}\b", SOURCES) is not None


@pytest.mark.parametrize("row", ROWS, ids=[f"guarantee-{row[0]}" for row in ROWS])
def test_a_guarantee_names_what_shows_it_and_that_is_there(row):
    shown_by = re.findall(r"`([^`]+)`", row[-1])
    assert len(row) in (3, 4) and shown_by, "nothing shows it"
    missing = [reference for reference in shown_by if not is_there(reference)]
    assert not missing


def test_guarantees_are_numbered_without_a_gap():
    assert [int(row[0]) for row in ROWS] == list(range(1, len(ROWS) + 1))
