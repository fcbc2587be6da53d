"""`qfl attack`: try to cheat, and see what it comes to."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from experiments.console import make_console
from qfl.apps.cli import options

if TYPE_CHECKING:
    from experiments.attacks.strategy import Attack
    from experiments.attacks.suite import Row


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Try every attack.")
@click.option("--list", "listing", is_flag=True, help="List the attacks and try none.")
@click.option("--out", type=options.PATH, help="Write the rows to this JSON file.")
@options.as_json
def attack(names: tuple[str, ...], everything: bool, listing: bool, out: Path | None, as_json: bool) -> None:
    """Try attacks on a chain and an IPFS node of their own, each beside the same run without it.

    Ends with exit code 6 when one of them managed what it should not; what is known to be open, the table calls so.
    A client, a validator or a challenger of your own network can be started with the same strategies: see `--attack`
    of `qfl client run`.
    """
    from experiments.attacks.registry import find_attacks
    from qfl.errors import AttackSucceeded

    chosen = find_attacks(names, everything or (listing and not names))
    if listing:
        _list(chosen, as_json)
        return
    rows = list(_try_out(chosen))
    document = [asdict(row) for row in rows]
    if out is not None:
        out.write_text(json.dumps(document, indent=2) + "\n")
    if as_json:
        options.print_json(document)
    else:
        make_console().print(_table(rows))
    if complaints := [f"{row.attack}: {', '.join(row.complaints)}" for row in rows if row.complaints]:
        raise AttackSucceeded(complaints)


def _try_out(chosen: Sequence[Attack]) -> Iterator[Row]:
    from experiments.attacks.suite import Suite, quiet

    with (
        tempfile.TemporaryDirectory(prefix="qfl-attack-") as name,
        quiet(),
        Progress(console=Console(stderr=True), transient=True) as progress,
    ):
        task = progress.add_task("starting chain and IPFS node", total=len(chosen))
        with Suite(Path(name)) as suite:
            for attack in chosen:
                progress.update(task, description=attack.name)
                yield suite.run(attack)
                progress.advance(task)


def _list(chosen: Sequence[Attack], as_json: bool) -> None:
    if as_json:
        values = [{"attack": a.name, "who": a.who, "tries": a.tries, "stopped_by": a.stopped_by} for a in chosen]
        options.print_json(values)
        return
    table = Table("attack", "who", "tries to", "stopped by", box=None)
    for each in chosen:
        table.add_row(each.name, each.who, each.tries, ", ".join(each.stopped_by))
    make_console().print(table)


def _table(rows: Sequence[Row]) -> Table:
    table = Table("attack", "who", "what stopped it", title="Attacks, each against the same run without it")
    for heading in ("stake lost\nETH", "gas", "gained\nETH"):
        table.add_column(heading, justify="right")
    for heading in ("damage", "honest funds\nunchanged", "model\nunchanged"):
        table.add_column(heading)
    for row in rows:
        amounts = _eth(row.stake_lost_eth), f"{row.gas:,}", _eth(row.gained_eth)
        unchanged = _yes(row.honest_funds_unchanged), _yes(row.model_unchanged)
        table.add_row(row.attack, row.who, _stopped_by(row), *amounts, _damage(row), *unchanged)
    return table


def _stopped_by(row: Row) -> str:
    return "[bold red]nothing yet[/]" if row.is_open else ", ".join(row.stopped_by) or "-"


def _damage(row: Row) -> str:
    lost = {
        f"{row.rounds_lost} round{'s' * (row.rounds_lost > 1)} repeated": row.rounds_lost,
        f"{row.seconds_lost} s": row.seconds_lost,
        f"{row.searches} searches in vain": row.searches,
    }
    parts = [text for text, amount in lost.items() if amount]
    notes = [row.note] if row.note else []
    return "\n".join([", ".join(parts) or "none", *notes, *(f"[bold red]{said}[/]" for said in row.complaints)])


def _eth(amount: float) -> str:
    return f"{amount:.3f}" if amount else "0"


def _yes(value: bool) -> str:
    return "yes" if value else "[bold red]no[/]"
