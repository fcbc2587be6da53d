"""The root of the tree."""

from __future__ import annotations

from qfl.errors.secrets import conceal


class QflError(Exception):
    """Root of the tree. Attributes hold values as they were given; the text is without secrets."""

    exit_code = 1
    names_hashes = False
    """Whether long hexadecimal numbers in the text are the chain's, so that none of them can be a key."""

    def __init__(self, message: str) -> None:
        super().__init__(conceal(message, self.names_hashes))

    def __reduce__(self) -> tuple[object, ...]:
        """Restored without the constructor, which takes values: an error has to come back from a worker process."""
        return _restored, (type(self), self.args), self.__dict__


def _restored(kind: type[QflError], args: tuple[object, ...]) -> QflError:
    return kind.__new__(kind, *args)


LONGEST_SHOWN = 200
"""Characters of a value in a message."""


def shown(value: object) -> object:
    """A value as a message shows it: bytes in hex."""
    return "0x" + value.hex() if isinstance(value, bytes) else value


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
