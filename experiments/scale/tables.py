"""What the simulator prints."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from experiments.scale.check import Comparison
from experiments.scale.odds import Odds
from experiments.scale.scenario import Forecast


def forecast_tables(forecast: Forecast) -> list[Table]:
    """Time by phase, load by node, gas by kind."""
    time = Table("phase", "measured compute, s", "simulated transfer, s", "stated blocks, s", title="One round's time")
    for phase in forecast.phases:
        time.add_row(phase.name, *(f"{part:.3f}" for part in (phase.compute, phase.transfer, phase.blocks)))
    time.add_row("round", *(f"{sum(getattr(p, part) for p in forecast.phases):.3f}" for part in PARTS), style="bold")
    load = Table(
        "node", "sends, bytes", "receives, bytes", "computes, s", "keeps, bytes", title="One round at one node"
    )
    for node in forecast.nodes:
        sizes = (f"{size:,.0f}" for size in (node.up_bytes, node.down_bytes))
        load.add_row(node.name, *sizes, f"{node.cpu_seconds:.3f}", f"{node.kept_bytes:,.0f}")
    gas = Table("kind", "gas a round", f"blocks of {forecast.chains.block_gas:,}", title="Gas")
    for name, kinds in (("beacon", forecast.beacon_gas), ("each shard", forecast.shard_gas)):
        for kind, amount in (*kinds.items(), ("together", sum(kinds.values()))):
            gas.add_row(f"{name}: {kind}", f"{amount:,.0f}", f"{amount / forecast.chains.block_gas:.2f}")
    return [time, load, gas]


PARTS = ("compute", "transfer", "blocks")


def odds_table(odds: Sequence[Odds], target: float) -> Table:
    """Probabilities that any committee of a round fails."""
    table = Table(
        *("bad seats in a committee", "that is", "any committee, equal stakes", "at most, unequal stakes"),
        f"seats for {target:g}",
        title="Committees: exact odds of one round",
    )
    for entry in odds:
        bound = "" if entry.bound is None else f"{entry.bound:.3g}"
        needed = "" if entry.meaning == odds[-1].meaning else str(entry.seats_needed or "none")
        table.add_row(entry.meaning, f"{entry.fewest_bad} or more", f"{entry.probability:.4g}", bound, needed)
    return table


def check_table(comparisons: Sequence[Comparison]) -> Table:
    """Measured beside modelled."""
    table = Table("size", "figure", "measured", "modelled", "error", title="Measured and modelled rounds")
    shown = ""
    for entry in comparisons:
        size = "" if entry.size == shown else entry.size
        shown = entry.size
        digits = 0 if entry.measured > 1_000 else 3
        values = (f"{value:,.{digits}f}" for value in (entry.measured, entry.modelled))
        table.add_row(size, entry.figure, *values, f"{entry.error:+.1%}", style=None if entry.holds else "red")
    return table
