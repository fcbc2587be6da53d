"""What every role works with, and what a step of it comes to."""

from dataclasses import dataclass
from pathlib import Path

from qfl.chain.ledger import Ledger
from qfl.chain.rpc.sender import TransactionSender
from qfl.crypto.keyfile import KeyFile
from qfl.errors import ContractReverted
from qfl.protocol.types import TrainingTask
from qfl.storage.pubsub import Pubsub
from qfl.storage.store import ContentStore


@dataclass(frozen=True)
class NodeContext:
    """One participant's own: its view of the deployment, who pays for it, its store, its key, its folder.

    `pubsub` is how committees talk beside the chain; without it, all they say is on chain.
    """

    ledger: Ledger
    sender: TransactionSender
    store: ContentStore
    key: KeyFile
    folder: Path
    pubsub: Pubsub | None = None


@dataclass(frozen=True)
class Step:
    """True when something was done, so that there may be more to do at once.

    Attributes:
        note: what happened, or what is waited for; for the log of a process with this role alone.
        task: what a client asks to be trained, alone or with others; `Client.prepare` takes what comes of it.
        refusal: why a validator may not open a round yet; time may heal it.
    """

    has_acted: bool = False
    note: str = ""
    task: TrainingTask | None = None
    refusal: ContractReverted | None = None

    def __bool__(self) -> bool:
        return self.has_acted


QUIET = Step()
