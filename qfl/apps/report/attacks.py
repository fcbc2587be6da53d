"""What `qfl attack --out FILE` wrote, as a section of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qfl.apps.report.page import Section, Table
from qfl.errors import InvalidInput
from qfl.files import read_json


def read_attacks(path: Path) -> Section:
    """The section of a file of attacks.

    Raises:
        InvalidInput: the file is none.
    """
    try:
        return attack_section(read_json(path))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InvalidInput("attacks", str(path), f"is not what `qfl attack --out FILE` writes: {error!r}") from error


def attack_section(rows: Sequence[Mapping[str, Any]]) -> Section:
    """What stopped each attack, what it cost the attacker, and what damage it did."""
    shown = [
        (
            f"{row['attack']}: {row['tries']}",
            "nothing yet" if row["is_open"] else ", ".join(row["stopped_by"]) or "-",
            f"{row['stake_lost_eth']:g}",
            str(row["rounds_lost"]),
            "yes" if row["honest_funds_unchanged"] else "no",
            "yes" if row["model_unchanged"] else "no",
        )
        for row in rows
    ]
    headings = ("attack", "stopped by", "ETH lost", "rounds repeated", "honest funds unchanged", "model unchanged")
    text = "From `qfl attack`: each beside the same run without it."
    table = Table("Attacks on the protocol", headings, shown, is_text=True)
    return Section("Attacks on the protocol", [text], tables=[table])
