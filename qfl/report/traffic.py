"""What clients send and receive, counted from receipts and the sizes of content objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from qfl.codec.content import HEADER_BYTES
from qfl.types import ModelShape


def count_traffic(transactions: Iterable[dict[str, Any]], shape: ModelShape, lane_bits: int) -> dict[str, Any]:
    """Bytes of every client in every round it committed in, and the most of any.

    Up: the signed commit and reveal transactions, whole, and the update's content object. Down: the base model's.
    """
    update, model = HEADER_BYTES + shape.total * lane_bits // 8, HEADER_BYTES + 4 * shape.total
    up: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for transaction in transactions:
        if transaction["label"] in ("commit", "reveal"):
            content = update if transaction["label"] == "reveal" else 0
            up[str(transaction["participant"])][transaction["round"]] += transaction["size"] + content
    sent = {client: list(rounds.values()) for client, rounds in sorted(up.items(), key=lambda entry: int(entry[0]))}
    return {
        "client_up_per_round": max((count for counts in sent.values() for count in counts), default=0),
        "client_down_per_round": model if sent else 0,
        "client_up": sent,
        "client_down": {client: [model] * len(counts) for client, counts in sent.items()},
    }
