"""Where commands print their tables."""

import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console

from qfl.apps.cli.options import print_json

WIDTH = 180
"""Columns where there is no terminal: a table's cells are not cut there."""


def make_console(as_json: bool = False) -> Console:
    """Standard output, or standard error where that is for JSON alone."""
    return Console(stderr=as_json, width=None if sys.stdout.isatty() else WIDTH)


def print_result(document: Any, as_json: bool, make_table: Callable[[Any], Any], *, note: str) -> None:
    """Print what was found: as JSON, or as a table with a note under it."""
    if as_json:
        print_json(document)
        return
    console = make_console()
    console.print(make_table(document))
    console.print(note, highlight=False)
