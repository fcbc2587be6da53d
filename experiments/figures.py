"""Figures as files, and how far they spread."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from qfl.files import write_atomically


def save(path: Path, document: object) -> None:
    """Write figures as JSON that people can read, too."""
    write_atomically(path, (json.dumps(document, indent=2) + "\n").encode())


def spread(values: Sequence[float], middle: Callable[[Sequence[float]], float] = median) -> dict[str, float]:
    """The middle of the values, by the name of what finds it, and the least and most of them."""
    return {middle.__name__: middle(values), "least": min(values), "most": max(values)}
