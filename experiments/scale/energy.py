"""What `qfl bench energy` prints: the joules of a round, beside a flat vote and proof of work; and its JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from qfl.apps.report.energy import WAKES, Account, Range, Workload, load_constants


def energy_table(accounts: Sequence[Account]) -> Table:
    """A line for each part, a column for each way of agreeing; low to high."""
    table = Table("joules a round, low to high", *(account.name for account in accounts), title="Energy of one round")
    for part in dict.fromkeys(part for account in accounts for part in account.parts):
        table.add_row(part, *(_shown(account.parts.get(part)) for account in accounts))
    table.add_row("together", *(_shown(account.total) for account in accounts), style="bold")
    table.add_row("without clients", *(_shown(account.agreement) for account in accounts))
    base = accounts[0].agreement
    ratios = (
        f"{account.agreement.low / base.low:,.3g} to {account.agreement.high / base.high:,.3g}" for account in accounts
    )
    table.add_row("times the committee's", *ratios)
    return table


def source_lines(device: str, radio: str) -> list[str]:
    """Every constant that was used, and where it is from."""
    lines = []
    for name, entry in leaves(load_constants()):
        group, _, chosen = name.partition(".")
        if {"device": chosen in (device, "server"), "radio": chosen.startswith(f"{radio}.")}.get(group, True):
            lines.append(f"{name}: {_shown(Range(entry['low'], entry['high']))} {entry['unit']}. {entry['source']}")
    return lines


def assumptions(work: Workload) -> list[str]:
    """What the figures rest on besides the constants."""
    lines = [
        "Processor seconds are this machine's, as if every core were as fast as its.",
        f"A client's radio wakes {WAKES} times a round, and goes to sleep in between.",
        f"Every validator runs a node of the chain: what one was measured to spend counts {work.validators} times; a "
        f"shard's own chain, {work.seats} times.",
        f"Proof of work: {work.steps} steps wait for a block each; all {work.validators} validators mine meanwhile.",
        "Flat vote: a check and a signature cost what they cost here; votes travel from validator to validator.",
    ]
    if work.missing:
        lines.append(f"Not measured, and not counted: {', '.join(work.missing)} (not processes of this run's own).")
    return lines


def energy_document(work: Workload, accounts: Sequence[Account], device: str, radio: str) -> dict[str, Any]:
    """All of it as JSON."""
    return {
        "workload": asdict(work),
        "device": device,
        "radio": radio,
        "joules_a_round": {
            account.name: {
                **{part: asdict(joules) for part, joules in account.parts.items()},
                "together": asdict(account.total),
                "without clients": asdict(account.agreement),
            }
            for account in accounts
        },
        "assumptions": assumptions(work),
        "constants": load_constants(),
    }


def _shown(joules: Range | None) -> str:
    if joules is None:
        return ""
    if joules.low == joules.high:
        return f"{joules.low:,.3g}"
    return f"{joules.low:,.3g} to {joules.high:,.3g}"


def leaves(entries: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every constant by its place in the file, dotted."""
    for name, entry in entries.items():
        if "source" in entry:
            yield prefix + name, entry
        else:
            yield from leaves(entry, f"{prefix}{name}.")
