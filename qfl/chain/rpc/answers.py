"""The forms of what a node answers: a value of that form, or `NodeContradictsItself`, never a fault of this program."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from eth_abi.exceptions import DecodingError

from qfl.errors import NodeContradictsItself

WORD, ADDRESS, DATA, QUANTITY = (
    re.compile(pattern) for pattern in ("0x[0-9a-f]{64}", "0x[0-9a-f]{40}", "0x([0-9a-f]{2})*", "0x[0-9a-f]{1,64}")
)
SHOWN = 80
"""Characters that a message has of an answer."""


def require_text(url: str, form: re.Pattern[str], value: Any) -> str:
    """`value` in lower case, if it is a string of this form."""
    text = value.lower() if isinstance(value, str) else ""
    if form.fullmatch(text) is None:
        raise NodeContradictsItself(url, f"{str(value)[:SHOWN]!r} where {form.pattern} is due")
    return text


def require_quantity(url: str, value: Any) -> int:
    """`value` as a number, below 2^256."""
    return int(require_text(url, QUANTITY, value), 16)


def require_data(url: str, value: Any) -> bytes:
    """`value` as bytes."""
    return bytes.fromhex(require_text(url, DATA, value)[2:])


def require_object(url: str, value: Any, what: str) -> Mapping[str, Any]:
    """`value`, if it is a JSON object; `what` names it for the message."""
    if not isinstance(value, dict):
        raise NodeContradictsItself(url, f"{str(value)[:SHOWN]!r} where {what} is due")
    return value


MISREAD = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError, DecodingError)
"""What an answer of another form than expected makes fail."""


@contextmanager
def reading(url: str, what: str) -> Iterator[None]:
    """Name what goes wrong while `what` is taken from an answer."""
    try:
        yield
    except MISREAD as error:
        raise NodeContradictsItself(url, f"{what} that is none: {error!r}"[: 4 * SHOWN]) from error
