"""Values of the chain as plain data."""

from __future__ import annotations

from typing import Any


def plain(value: Any) -> Any:
    """Bytes as 0x..., tuples and mappings as plain containers."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if hasattr(value, "items"):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value
