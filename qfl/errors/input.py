"""Settings, arguments, data sets and bytes that cannot be used."""

from __future__ import annotations

from pathlib import Path

from qfl.errors.base import QflError, quoted


class InvalidInput(QflError):
    """A setting or argument that cannot be used."""

    exit_code = 2

    def __init__(self, name: str, value: object, remedy: str) -> None:
        super().__init__(f"{name} = {quoted(value)}: {remedy}")
        self.name, self.value, self.remedy = name, value, remedy


class DoorBroken(QflError):
    """What another package, or a person's own module, was to bring cannot be loaded."""

    exit_code = 2

    def __init__(self, kind: str, reference: str, reason: str) -> None:
        super().__init__(f"the {kind} {reference} cannot be loaded ({reason}): mend or remove the package that has it")
        self.kind, self.reference, self.reason = kind, reference, reason


class MalformedContent(QflError):
    """Bytes that are not a content object of this protocol."""

    exit_code = 6

    def __init__(self, reason: str) -> None:
        super().__init__(f"malformed content: {reason}")
        self.reason = reason


class NotFinite(QflError):
    """A model or an update with NaN or infinity in it."""

    exit_code = 2

    def __init__(self, what: str, index: int) -> None:
        super().__init__(f"{what} is not finite at index {index}: training diverged; lower the learning rate")
        self.what, self.index = what, index


class DatasetMissing(QflError):
    """A data set is not where it should be."""

    exit_code = 2

    def __init__(self, name: str, folder: Path, reason: str) -> None:
        super().__init__(
            f"cannot load {name} from {folder} ({reason}): put torchvision's files there, "
            "allow the download, or use the data set digits, which needs no files"
        )
        self.name, self.folder, self.reason = name, folder, reason
