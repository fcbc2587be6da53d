"""The root of the tree."""

from __future__ import annotations


class QflError(Exception):
    """Root of the tree."""

    exit_code = 1

    def __reduce__(self) -> tuple[object, ...]:
        """Restored without the constructor, which takes values: an error has to come back from a worker process."""
        return _restored, (type(self), self.args), self.__dict__


def _restored(kind: type[QflError], args: tuple[object, ...]) -> QflError:
    return kind.__new__(kind, *args)


def shown(value: object) -> object:
    """A value as a message shows it: bytes in hex."""
    return "0x" + value.hex() if isinstance(value, bytes) else value
