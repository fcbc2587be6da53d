"""`qfl key`: LMS key files."""

from __future__ import annotations

from pathlib import Path

import click

from qfl.apps.cli import options


@click.group()
def key() -> None:
    """Make and look at LMS key files."""


@key.command()
@click.argument("path", type=options.PATH)
@click.option("--height", type=options.KEY_HEIGHT, default="10", help="2^height signatures.")
def new(path: Path, height: str) -> None:
    """Make a key file (mode 0600)."""
    from qfl.crypto.keyfile import KeyFile

    with KeyFile.create(path, int(height)) as made:
        click.echo(f"{path}: {made.remaining} signatures, identifier {made.public.identifier.hex()}")


@key.command()
@click.argument("path", type=options.PATH)
@options.as_json
def show(path: Path, as_json: bool) -> None:
    """Print a key file's public key and what is left of it."""
    from qfl.crypto.keyfile import KeyFile

    with KeyFile.open(path) as opened:
        public = opened.public
        values = {
            "identifier": "0x" + public.identifier.hex(),
            "root": "0x" + public.root.hex(),
            "height": public.height,
            "next_leaf": opened.next_leaf,
            "remaining": opened.remaining,
        }
    if as_json:
        options.print_json(values)
    else:
        for name, value in values.items():
            click.echo(f"{name}: {value}")
