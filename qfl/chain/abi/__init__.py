"""The contracts' ABIs as committed JSON, so that reading a chain needs no compiler.

`scripts/export_abi.py` writes them; a test compares them with what the compiler says.
"""

import json
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

CONTRACTS = tuple(sorted(file.name[:-5] for file in files(__name__).iterdir() if file.name.endswith(".json")))
"""Every contract that has its ABI in this folder."""


@cache
def load_abi(name: str) -> list[Any]:
    """The ABI of one of `CONTRACTS`."""
    return list(json.loads(abi_file(name).read_text()))


def abi_file(name: str) -> Traversable:
    """Where the ABI of one of `CONTRACTS` is."""
    return files(__name__) / f"{name}.json"


def all_entries(kind: str) -> list[Any]:
    """The entries of a kind ("function", "event", "error") of every contract."""
    return [entry for name in CONTRACTS for entry in load_abi(name) if entry["type"] == kind]
