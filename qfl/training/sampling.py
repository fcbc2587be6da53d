"""Which samples each client sees at each step."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch


def draw_batches(sizes: Sequence[int], steps: int, batch_size: int, seeds: Sequence[int]) -> torch.Tensor:
    """Sample numbers `[steps, clients, batch_size]`, client `c`'s in [0, sizes[c]).

    Each client reads its own data as an endless row of shuffled passes, cut into batches. So clients with
    different amounts of data step together without padding, and a client's row depends on its own size and seed
    only.
    """
    rows = []
    for size, seed in zip(sizes, seeds, strict=True):
        generator = torch.Generator().manual_seed(seed)
        passes = math.ceil(steps * batch_size / size)
        row = torch.cat([torch.randperm(size, generator=generator) for _ in range(passes)])
        rows.append(row[: steps * batch_size].view(steps, batch_size))
    return torch.stack(rows, dim=1)
