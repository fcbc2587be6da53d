"""Where commands print their tables."""

from __future__ import annotations

import sys

from rich.console import Console

WIDTH = 180
"""Columns where there is no terminal: a table's cells are not cut there."""


def make_console(as_json: bool = False) -> Console:
    """Standard output, or standard error where that is for JSON alone."""
    return Console(stderr=as_json, width=None if sys.stdout.isatty() else WIDTH)
