"""The contracts' ABIs as committed JSON, so that reading a chain needs no compiler.

`scripts/export_abi.py` writes them; a test compares them with what the compiler says.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from eth_utils.crypto import keccak

CONTRACTS = (
    *("Staking", "Beacon", "BeaconMirror", "Shard", "LmsQuorum", "BlsQuorum", "Rewards", "Demands", "Disputes"),
    "Groth16NormVerifier",
)


@cache
def load_abi(name: str) -> list[dict[str, Any]]:
    """The ABI of one of `CONTRACTS`, or of the contract of another package, as `abi_file`."""
    return list(json.loads(abi_file(name).read_text()))


def abi_file(name: str) -> Traversable:
    """Where the ABI of one of `CONTRACTS` is; that of another package's contract is called `package:Name`."""
    package, _, contract = name.rpartition(":")
    return files(package or __name__) / f"{contract}.json"


def all_abis() -> dict[str, list[dict[str, Any]]]:
    """Every contract's ABI, by name."""
    return {name: load_abi(name) for name in CONTRACTS}


def selector_of(entry: dict[str, Any]) -> bytes:
    """The first four bytes of a call to a function, or of an error's data."""
    return keccak(text=f"{entry['name']}({','.join(types_of(entry))})")[:4]


def types_of(entry: dict[str, Any]) -> list[str]:
    """The canonical types of an entry's inputs, tuples spelled out."""
    return [canonical_type(parameter) for parameter in entry["inputs"]]


def canonical_type(parameter: dict[str, Any]) -> str:
    """The canonical type of one parameter."""
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    inside = ",".join(canonical_type(component) for component in parameter["components"])
    return f"({inside}){kind.removeprefix('tuple')}"
