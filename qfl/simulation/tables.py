"""The tables at the end of a run."""

from __future__ import annotations

from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from qfl.simulation.dynamics_table import dynamics_table


def print_tables(console: Console, report: dict[str, Any]) -> None:
    """Accuracy by round beside the central run, gas by function, bytes by client."""
    if report["rounds"]:
        console.print(accuracy_table(report))
        if (dynamics := dynamics_table(report)) is not None:
            console.print(dynamics)
        console.print(bytes_table(report))
    console.print(gas_table(report))
    if disputes := report["disputes"]:
        taken, earned = (sum(dispute[name] for dispute in disputes) / 1e18 for name in ("taken_wei", "bounty_wei"))
        console.print(f"{len(disputes)} faults proven: {taken:g} ETH slashed, {earned:g} ETH earned")
    if (privacy := report.get("privacy")) is not None:
        console.print(
            f"differential privacy of all of a client's data: "
            f"epsilon {privacy['epsilon']:.2f}, delta {privacy['delta']:g}"
        )
    if (final := report["final"]) is not None:
        console.print(
            f"final test accuracy [bold]{final['accuracy']:.1%}[/] after {len(report['rounds'])} rounds, "
            f"{report['transactions']} transactions; the model is {final['state']}: {final['cid']}"
        )


def accuracy_table(report: dict[str, Any]) -> Table:
    """A line for each round; the central column is the same model after as many epochs over all the data."""
    table = Table("round", "accuracy", "loss", "included", "train s", "protocol s", title="Accuracy on the test set")
    central = (report["central"] or {}).get("accuracy", [])
    if central:
        table.add_column("central")
    for position, entry in enumerate(report["rounds"], start=1):
        seconds = entry["seconds"]
        protocol = sum(value for stage, value in seconds.items() if stage not in ("train", "evaluate"))
        cells = [
            str(entry["round"]),
            f"{entry['accuracy']:.1%}",
            f"{entry['loss']:.3f}",
            str(entry["included"]),
            f"{seconds.get('train', 0.0):.1f}",
            f"{protocol:.2f}",
        ]
        if central:
            epoch = max(1, round(position * len(central) / len(report["rounds"])))
            cells.append(f"{central[epoch - 1]:.1%} (epoch {epoch})")
        table.add_row(*cells)
    return table


def gas_table(report: dict[str, Any]) -> Table:
    """A line for each function."""
    table = Table("function", "count", "lowest", "median", "highest", title="Gas, from receipts")
    for name, values in sorted(report["gas"].items()):
        numbers = (min(values), round(median(values)), max(values))
        table.add_row(name, str(len(values)), *(f"{number:,}" for number in numbers))
    return table


def bytes_table(report: dict[str, Any]) -> Table:
    """A line for each client."""
    table = Table("client", "up, mean", "up, most", "down, mean", title="Bytes for each round")
    counts = report["bytes"]
    for client, up in counts["client_up"].items():
        down = counts["client_down"][client]
        table.add_row(client, f"{sum(up) / len(up):,.0f}", f"{max(up):,}", f"{sum(down) / len(down):,.0f}")
    return table
