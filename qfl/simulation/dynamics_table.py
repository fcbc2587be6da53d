"""What befell the participants, round by round: simulated seconds beside measured ones, never added to them."""

from __future__ import annotations

from typing import Any

from rich.table import Table

COUNTS = ("present", "joined", "returned", "left", "straggled", "moved")


def dynamics_table(report: dict[str, Any]) -> Table | None:
    """A line for each round of a run with dynamics; None for a calm one."""
    rounds = [entry for entry in report["rounds"] if entry["dynamics"] is not None]
    if not rounds:
        return None
    table = Table("round", *COUNTS, "included", "shards missed", title="Who was there, and how long it took")
    for name in ("deadline", "last commit", "transfer"):
        table.add_column(f"{name}, simulated s", justify="right")
    for name in ("train", "protocol"):
        table.add_column(f"{name}, measured s", justify="right")
    for entry in rounds:
        dynamics, seconds = entry["dynamics"], entry["seconds"]
        simulated = dynamics["simulated_seconds"]
        protocol = sum(value for stage, value in seconds.items() if stage not in ("train", "evaluate"))
        table.add_row(
            str(entry["round"]),
            *(str(dynamics[name]) for name in COUNTS),
            str(entry["included"]),
            ", ".join(str(missed["shard"]) for missed in entry["missed"]) or "none",
            str(dynamics["deadlines"]["commit"]),
            f"{simulated['last_commit']:.1f}",
            f"{simulated['transfer']:.3f}",
            f"{seconds.get('train', 0.0):.1f}",
            f"{protocol:.2f}",
        )
    return table
