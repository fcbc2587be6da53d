"""`make reference` writes a page that names everything in the contracts' interfaces."""

import re
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "contract_reference.py"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    written = tmp_path_factory.mktemp("docs") / "reference" / "contracts.md"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(SCRIPT), str(written)])
        runpy.run_path(str(SCRIPT), run_name="__main__")
    return written.read_text()


def test_the_reference_names_what_the_interfaces_declare(page: str) -> None:
    entries = set(re.findall(r"^- `(\w+)[( ]", page, re.MULTILINE))
    for source in sorted((ROOT / "contracts" / "interfaces").glob("*.sol")):
        assert f"## {source.stem}\n" in page
        declared = re.findall(r"^ *(?:function|event|error|struct|enum) (\w+)", source.read_text(), re.MULTILINE)
        assert declared, f"{source.name} declares nothing"
        assert set(declared) <= entries, f"{source.name}: {set(declared) - entries} is missing"


def test_the_reference_says_what_natspec_says(page: str) -> None:
    # A function with a parameter of its own, an event, an error, a struct's field.
    for entry in (
        "- `openRound() returns (uint64 round)`: Open the next round",
        "    - `signature`: LMS of `validator` over `Publication(",
        "- `ModelVoided(uint64 indexed round)`: A model was voided",
        "- `AlreadyWired()`: Thrown when",
        "    - `stakeWei`: The stake that can still be slashed, in wei.",
    ):
        assert entry in page
