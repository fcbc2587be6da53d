"""What is remembered of every transaction: who sent it for what, its gas and its bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qfl.protocol.types import ParticipantId


@dataclass(frozen=True)
class Receipt:
    """A transaction in a block of the chain `chain_id`.

    `gas` is the receipt's; `size` is the signed transaction's length in bytes.
    """

    label: str
    participant: ParticipantId | None
    round: int | None
    tx_hash: str
    block: int
    gas: int
    size: int
    chain_id: int


ReceiptListener = Callable[[Receipt], None]
