"""A job learnt in another way."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from qfl.simulation.config import JobConfig


def changed(config: JobConfig, changes: Mapping[str, Any]) -> JobConfig:
    """The job with other values by name; those of a table replace what the table has, and leave the rest of it."""
    tables = {name: {**getattr(config, name), **new} for name, new in changes.items() if isinstance(new, Mapping)}
    return replace(config, **{**changes, **tables})
