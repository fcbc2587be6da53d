"""`qfl report`: a run, or several side by side, as a page that is one file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from qfl.apps.cli.options import PATH


@click.command()
@click.argument("folders", metavar="RUN...", nargs=-1, required=True, type=PATH)
@click.option(
    "--out",
    type=PATH,
    default=Path("runs/report"),
    help="Folder for page, figures and jobs; or a file *.html for the page alone.",
)
@click.option("--data-folder", type=PATH, help="Where the data are; as in the run unless given.")
@click.option("--attacks", type=PATH, help="Show what `qfl attack --out FILE` wrote, too.")
def report(folders: tuple[Path, ...], out: Path, *, data_folder: Path | None, attacks: Path | None) -> None:
    """Show run folders as one self-contained HTML page, and PNG figures beside it."""
    from qfl.apps.report.attacks import read_attacks
    from qfl.apps.report.comparison import comparison_page
    from qfl.apps.report.finished import job_toml, name_apart, read_run
    from qfl.apps.report.page import render_page
    from qfl.apps.report.plots import write_pictures
    from qfl.apps.report.sections import run_page
    from qfl.files import write_atomically

    runs = name_apart([read_run(folder) for folder in folders])
    page = run_page(runs[0], data_folder) if len(runs) == 1 else comparison_page(runs)
    if attacks is not None:
        page = replace(page, sections=[*page.sections, read_attacks(attacks)])
    path = out if out.suffix == ".html" else out / "report.html"
    write_atomically(path, render_page(page).encode())
    if path != out:
        write_pictures(out, page.pictures)
        for run in runs:
            write_atomically(out / f"{run.name}.toml", job_toml(run.job).encode())
    click.echo(f"the page is {path}")
