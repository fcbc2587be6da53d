"""A party's own samples: a file of numpy arrays that never leaves it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qfl.errors import InvalidInput
from qfl.files import open_regular
from qfl.training.data.datasets import LabelledData

MOST_BYTES = 2**33
"""Of all arrays in a file; a small file can say that it holds more than any memory."""


def load_own(path: Path, features: int, classes: int, scaled: bool = False) -> LabelledData:
    """Samples that `numpy.savez(path, x=..., y=...)` wrote.

    `x` is `[n, features]`, or `[n, height, width]` of as many pixels, which are taken row by row: finite numbers, in
    [0, 1] if they have to be `scaled`, since the model makes angles of them. `y` is `[n]`: whole numbers from 0, below
    `classes`. Nothing is unpickled.

    Raises:
        InvalidInput: no such file, other arrays, shapes or values; the text says what to save.
    """
    x, y = _read(path)
    if x.ndim < 2 or y.ndim != 1 or len(x) != len(y) or not len(y):
        raise InvalidInput("data", str(path), f"x is {list(x.shape)} and y {list(y.shape)}: save [n, features] and [n]")
    if (found := x[0].size) != features:
        remedy = f"x has {found} features a sample, the job's model takes {features}: save that many"
        raise InvalidInput("data", str(path), remedy)
    if x.dtype.kind not in "fiub" or y.dtype.kind not in "iu":
        remedy = f"x holds {x.dtype} and y {y.dtype}: save real numbers, and whole ones for labels"
        raise InvalidInput("data", str(path), remedy)
    if y.min() < 0 or y.max() >= classes:
        remedy = f"y goes from {y.min()} to {y.max()}: the job's model has classes 0 to {classes - 1}"
        raise InvalidInput("data", str(path), remedy)
    with np.errstate(over="ignore"):  # what is too large for the type becomes infinite, and is refused as that
        data = LabelledData(x.reshape(len(x), -1).astype(np.float32), y.astype(np.int64))
    low, high = data.features.min(), data.features.max()
    if scaled and not 0 <= low <= high <= 1:
        remedy = f"x goes from {low:g} to {high:g}: the job's model makes angles of it, so scale it to [0, 1]"
        raise InvalidInput("data", str(path), remedy)
    return data


def _read(path: Path) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    """The arrays x and y."""
    remedy = "write it with numpy.savez(path, x=features, y=labels)"
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                raise InvalidInput("data", str(path), f"is a single array: {remedy}")
            if not {"x", "y"} <= set(loaded.files):
                raise InvalidInput("data", str(path), f"holds {', '.join(sorted(loaded.files)) or 'nothing'}: {remedy}")
            if (size := sum(entry.file_size for entry in loaded.zip.infolist())) > MOST_BYTES:
                raise InvalidInput("data", str(path), f"unpacks to {size:,} bytes: save at most {MOST_BYTES:,}")
            x, y = loaded["x"], loaded["y"]
            if not (isinstance(x, np.ndarray) and isinstance(y, np.ndarray)):  # numpy returns other files' bytes
                raise InvalidInput("data", str(path), f"x or y in it is no array: {remedy}")
            return x, y
    except InvalidInput:
        raise
    except Exception as error:  # numpy, zipfile and zlib raise whatever the damage leads to, MemoryError included
        raise InvalidInput("data", str(path), f"cannot be read ({error}): {remedy}") from error
