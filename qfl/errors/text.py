"""How an error's text is made of its values: in one line, without secrets, no longer than anybody reads."""

from collections.abc import Callable, Mapping
from string import Formatter
from typing import Any

from qfl.errors.secrets import conceal, conceal_address

LONGEST_SHOWN = 200
"""Characters of a value in a message."""


def quoted(value: object) -> str:
    """A value that somebody gave, as a message quotes it: in one line, without secrets,
    and not longer than anybody reads."""
    if isinstance(value, int) and value.bit_length() > 128:
        return f"about {'-' if value < 0 else ''}10^{round(value.bit_length() * 0.30103)}"
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number inside is longer, or it is deeper, than Python writes out
        return f"a {type(value).__name__}"
    text = conceal(text)  # not after the cut: the beginning of a key is not known for one
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def named(values: Mapping[str, object]) -> str:
    """Values with their names; bytes in hex."""
    shown = {name: f"0x{value.hex()}" if isinstance(value, bytes) else value for name, value in values.items()}
    return ", ".join(f"{name}={value}" for name, value in shown.items())


FORMS: dict[str, Callable[[Any], str]] = {
    "address": conceal_address,
    "eth": lambda wei: f"{wei / 1e18:.6f}",
    "listed": lambda values: ", ".join(map(str, values)),
    "named": named,
    "quoted": quoted,
    "sentences": "; ".join,
}
"""What may follow a colon in a template, beside what Python itself takes there."""


class _Templates(Formatter):
    def format_field(self, value: Any, form: str) -> str:
        return FORMS[form](value) if form in FORMS else format(value, form)


def fill(template: str, values: Mapping[str, object]) -> str:
    """A template, such as `no chain answers at {url:address}`, with its values."""
    return _Templates().vformat(template, (), values)
