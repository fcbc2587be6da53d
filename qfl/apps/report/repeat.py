"""A run's job as the TOML file that `qfl run --config` takes: what differs from the defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from qfl.simulation.config import JobConfig


def job_toml(job: JobConfig) -> str:
    """The file's text; `load_config` makes the same job of it."""
    plain, tables, default = [], [], JobConfig()
    for setting in fields(JobConfig):
        value = getattr(job, setting.name)
        if isinstance(value, Mapping):
            if value:
                tables.append(f"\n[{setting.name}]\n" + "".join(_line(name, inner) for name, inner in value.items()))
        elif value != getattr(default, setting.name):
            plain.append(_line(setting.name, value))
    return "".join(plain + tables)


def repeat_command(name: str) -> str:
    """What runs a job file again, and has the result checked."""
    return f"qfl run --config {name} --out runs/again\nqfl verify --run runs/again"


def _line(name: str, value: Any) -> str:
    return f"{name} = {_toml(value)}\n"


def _toml(value: Any) -> str:
    """A value as TOML writes it; strings and numbers are as in JSON, and tables stand in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name} = {_toml(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
