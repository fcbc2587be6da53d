"""A command: what can be named in a job here."""

import click


@click.command()
def entries() -> None:
    """List the encoders, ansätze, tasks, recipes and data sets that are installed."""
    from qfl.quantum.registry import ANSAETZE, ENCODERS, TASKS
    from qfl.training.data.datasets import DATASETS
    from qfl.training.recipe import RECIPES

    for door in (ENCODERS, ANSAETZE, TASKS, RECIPES, DATASETS):
        click.echo(f"{door.kind}: {', '.join(door)}")
