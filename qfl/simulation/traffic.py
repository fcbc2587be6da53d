"""What clients send and receive, counted from receipts and the sizes of content objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from qfl.crypto.encapsulation import PUBLIC_KEY_BYTES
from qfl.crypto.sealed import sealed_bytes
from qfl.protocol.content import HEADER_BYTES, plain_bytes
from qfl.protocol.types import ModelShape


def count_traffic(
    transactions: Iterable[dict[str, Any]],
    updates: Iterable[dict[str, Any]],
    shape: ModelShape,
    lane_bits: int,
    seats: int,
) -> dict[str, Any]:
    """Bytes of every client in every round it committed in, and the most of any.

    Up: the signed commit and reveal transactions, whole, and the update's content object, sealed to all `seats` in the
    private mode. `updates` say how large the objects were; one they do not have is counted with plain lanes, the most
    it can be. Down: the base model's, and in the private mode the seats' public keys.
    """
    sizes = {(client, event["round"]): size for event in updates for client, size in event["bytes"].items()}
    plain, model = plain_bytes(shape.total, lane_bits), HEADER_BYTES + 4 * shape.total
    most = {"commit": 0, "reveal": plain, "reveal_private": sealed_bytes(plain, seats)}
    up: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    down: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(lambda: model))
    for transaction in transactions:
        if (label := transaction["label"]) in most:
            client, number = str(transaction["participant"]), transaction["round"]
            stored = 0 if label == "commit" else sizes.get((client, number), most[label])
            up[client][number] += transaction["size"] + stored
            down[client][number] += seats * PUBLIC_KEY_BYTES if label == "reveal_private" else 0
    return {
        "client_up_per_round": max((count for counts in up.values() for count in counts.values()), default=0),
        "client_down_per_round": max((count for counts in down.values() for count in counts.values()), default=0),
        "client_up": _by_client(up),
        "client_down": _by_client(down),
    }


def _by_client(counts: dict[str, dict[int, int]]) -> dict[str, list[int]]:
    return {client: list(rounds.values()) for client, rounds in sorted(counts.items(), key=lambda entry: int(entry[0]))}
