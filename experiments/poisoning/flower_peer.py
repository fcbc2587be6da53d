"""Flower's aggregation rules: `python flower_peer.py` answers each request on stdin.

Runs in an environment of its own that has `flwr`, so it imports nothing of qfl. A request is a line
`RULE NUMBER UPDATES COORDINATES`, and the updates as float64, row by row; the answer is float64 too: an aggregate
`[coordinates]`, or for `krum` a mark above zero for each update that was chosen, `[updates]`.
"""

import sys
from typing import Any

import numpy as np
from flwr.server.strategy.aggregate import aggregate_krum, aggregate_median, aggregate_trimmed_avg

MARK = 1e-9
"""Tells which updates a mean was made of; beside lanes of whole numbers no distance sees it."""


def answer(rule: str, number: float, updates: Any) -> Any:
    """What Flower makes of `updates` `[n, d]`; `number` is the trimmed share of each end, or how many attack."""
    clients = [([row], 1) for row in updates]
    if rule == "median":
        return aggregate_median(clients)[0]
    if rule == "trimmed":
        return aggregate_trimmed_avg(clients, number)[0]
    marked = [([row, mark], 1) for row, mark in zip(updates, MARK * np.eye(len(updates)), strict=True)]
    return aggregate_krum(marked, int(number), to_keep=len(updates) - int(number))[1]


while line := sys.stdin.buffer.readline():
    name, share, count, size = line.split()
    data = sys.stdin.buffer.read(8 * int(count) * int(size))
    rows = np.frombuffer(data).reshape(int(count), int(size))
    sys.stdout.buffer.write(answer(name.decode(), float(share), rows).astype(np.float64).tobytes())
    sys.stdout.buffer.flush()
