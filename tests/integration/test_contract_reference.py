"""docs/contracts.md says what the interfaces say."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_reference_is_what_the_interfaces_say() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "contract_reference.py"))
    page = (ROOT / "docs" / "contracts.md").read_text()
    assert page == script["render"](), "run `python scripts/contract_reference.py`"
    # A function with a parameter of its own, an event, an error, a struct's field.
    for entry in (
        "- `openRound() returns (uint64 round)`: Open the next round",
        "    - `signature`: LMS of `validator` over `Publication(",
        "- `ModelVoided(uint64 indexed round)`: A model was voided",
        "- `AlreadyWired()`: Thrown when",
        "    - `stakeWei`: The stake that can still be slashed, in wei.",
    ):
        assert entry in page
