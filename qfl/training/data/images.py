"""Images made to fit a register."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qfl.errors import InvalidInput


def shrink_to_fit(images: NDArray[np.float32], most_pixels: int) -> NDArray[np.float32]:
    """Images `[n, height, width]` as they are, or resized to the largest square of at most `most_pixels`.

    Raises:
        InvalidInput: not even one pixel fits, or features `[n, f]`, which are no images, do not.
    """
    if most_pixels < 1:
        raise InvalidInput("most_features", most_pixels, "must be at least 1")
    if images[0].size <= most_pixels:
        return images
    if images.ndim != 3:
        raise InvalidInput(
            "features", images[0].size, f"the model takes {most_pixels}, and these are no images to shrink"
        )
    return area_resize(images, math.isqrt(most_pixels))


def area_resize(images: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Resize `[n, height, width]` to `[n, side, side]` by the mean over each new pixel's area.

    Exact for sizes that do not divide: an old pixel cut by a border counts for each side by its share. Values
    keep their range, and the mean brightness is unchanged.
    """
    down, across = (_overlaps(length, side) for length in images.shape[1:])
    return np.asarray(down @ images @ across.T, dtype=np.float32)


def _overlaps(length: int, side: int) -> NDArray[np.float32]:
    """Share of new pixel `i` that old pixel `j` covers: `[side, length]`, rows sum to 1."""
    old = np.arange(length + 1) / length
    new = np.arange(side + 1) / side
    ends = np.minimum(new[1:, None], old[None, 1:])
    starts = np.maximum(new[:-1, None], old[None, :-1])
    return np.asarray(np.clip(ends - starts, 0.0, None) * side, dtype=np.float32)
