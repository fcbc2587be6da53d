"""What every role works with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qfl.chain.ledger import Ledger
from qfl.chain.rpc.sender import TransactionSender
from qfl.crypto.keyfile import KeyFile
from qfl.storage.store import ContentStore


@dataclass(frozen=True)
class NodeContext:
    """One participant's own: its view of the deployment, who pays for it, its store, its key, its folder."""

    ledger: Ledger
    sender: TransactionSender
    store: ContentStore
    key: KeyFile
    folder: Path
