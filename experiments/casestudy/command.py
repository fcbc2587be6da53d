"""`qfl casestudy`: the paper's comparison, and how our figures stand beside the circulated ones."""

from dataclasses import replace
from pathlib import Path

import click
from rich.table import Table

from experiments.console import make_console
from qfl.apps.cli import options
from qfl.bounds import LAST_SEED


@click.command()
@click.option("--seeds", default="1,2,3", metavar="N,N,...", help="Of the learning and the bytes.")
@click.option("--part", "parts", multiple=True, help="Measure this part only, and keep the others; repeat.")
@click.option("--reduced", is_flag=True, help="So small that the figures mean nothing: to see whether it runs.")
@click.option("--out", type=options.PATH, default=Path("runs/casestudy"), help="Folder for tables and figures.")
@options.as_json
def casestudy(seeds: str, parts: tuple[str, ...], reduced: bool, out: Path, as_json: bool) -> None:
    """QFLchain against plain QFL, QFL on a flat chain and classical FL, calm and under attack, in a quarter of an hour.

    Parts are learning, bytes, consensus, energy and attacks. Let nothing else run meanwhile: two of them take the time.
    """
    from experiments.attacks.suite import quiet
    from experiments.casestudy.claims import HEADINGS, compute_claims
    from experiments.casestudy.methods import REDUCED, Size
    from experiments.casestudy.study import NAME, run_study

    size = REDUCED if reduced else replace(Size(), seeds=_numbers(seeds))
    console = make_console(as_json)
    with console.status("") as status, quiet():
        document = run_study(size, out, parts, status.update)
    if as_json:
        options.print_json(document)
        return
    table = Table(*HEADINGS, title="Case study")
    for claim in compute_claims(document):
        table.add_row(*claim.row)
    console.print(table)
    console.print(f"definitions, tables and figures are in {out}: casestudy.html, .md and {NAME}", highlight=False)


def _numbers(text: str) -> tuple[int, ...]:
    from qfl.errors import InvalidInput

    try:
        numbers = tuple(dict.fromkeys(int(number) for number in text.split(",")))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < 0 or max(numbers) > LAST_SEED:
        raise InvalidInput("seeds", text, "give whole numbers from 0, below 2^32, with commas between them: 1,2,3")
    return numbers
