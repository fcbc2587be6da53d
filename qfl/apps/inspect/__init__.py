"""What a blockchain developer wants to see of a transaction, a round, a participant: plain data, ready for JSON."""

from dataclasses import fields, is_dataclass
from typing import Any


def plain(value: Any) -> Any:
    """Bytes as 0x..., tuples, mappings and dataclasses as plain containers."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if is_dataclass(value):
        return {part.name: plain(getattr(value, part.name)) for part in fields(value)}
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if hasattr(value, "items"):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value
