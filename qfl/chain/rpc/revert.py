"""Turns revert data into the contracts' own error names and values."""

from __future__ import annotations

from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from qfl.chain.abi import all_abis, selector_of, types_of
from qfl.errors import ContractReverted

_BUILT_IN = {
    "08c379a0": ("Error", [("message", "string")]),
    "4e487b71": ("Panic", [("code", "uint256")]),
    "c176b3c5": ("Sha256Failed", []),  # of the library Lms, so in no contract's ABI
}


@cache
def _errors() -> dict[str, tuple[str, list[tuple[str, str]]]]:
    known = dict(_BUILT_IN)
    for entry in (entry for abi in all_abis().values() for entry in abi if entry["type"] == "error"):
        names = [parameter["name"] or str(i) for i, parameter in enumerate(entry["inputs"])]
        known[selector_of(entry).hex()] = entry["name"], list(zip(names, types_of(entry), strict=True))
    return known


def decode_revert(function: str, data: str | bytes | None) -> ContractReverted:
    """The exception for revert `data` (hex or bytes) of a call to `function`."""
    try:
        raw = bytes.fromhex(data.removeprefix("0x")) if isinstance(data, str) else bytes(data or b"")
    except ValueError:
        return ContractReverted(function, "reverted with malformed data", {"data": data})
    selector = raw[:4].hex()
    if not raw or selector not in _errors():
        return ContractReverted(function, "reverted without a known error", {"data": raw} if raw else {})
    name, parameters = _errors()[selector]
    try:
        values: tuple[Any, ...] = decode([kind for _, kind in parameters], raw[4:])
    except (DecodingError, UnicodeDecodeError, OverflowError):
        return ContractReverted(function, name, {"data": raw})
    return ContractReverted(function, name, dict(zip((n for n, _ in parameters), values, strict=True)))
