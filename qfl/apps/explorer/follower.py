"""Keeps the index at the head of a chain: reads what is new, forgets what the chain has taken back."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from qfl.apps.explorer.index import Chunk, Index
from qfl.apps.explorer.node import Block, Node
from qfl.apps.inspect.contracts import ChainContracts
from qfl.errors import QflError
from qfl.errors.text import conceal, conceal_address

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
SPAN, MOST_TRANSACTIONS = 32, 2000
"""Blocks, and about how many transactions in them, that are read at a time; a page shows how far it is after each."""
LONGEST_PROBLEM = 400  # characters: a node may put anything into an error
SILENCE_SECONDS = 5.0  # after which a node counts as silent, whatever its next answer will be


@dataclass(frozen=True)
class ChainStatus:
    """How far a chain was read, and what went wrong last."""

    name: str
    url: str
    head: int = 0
    head_time: int = 0
    indexed: int = -1
    problem: str | None = None

    @property
    def is_behind(self) -> bool:
        return self.indexed < self.head


class Follower:
    """One chain's part of the index.

    Args:
        first_block: where the deployment begins.
        check: raises `QflError` when the chain does not hold the deployment; asked before the first block is read.
        look: what else to ask whenever the head has been reached; may raise `QflError`.
    """

    def __init__(
        self,
        index: Index,
        chain: int,
        node: Node,
        contracts: ChainContracts,
        first_block: int,
        check: Callable[[], None],
        look: Callable[[], None] = lambda: None,
    ) -> None:
        name = "the beacon's chain" if not chain else f"the chain of shard {chain - 1}"
        self._address = conceal_address(node.url)
        self.status = ChainStatus(name, self._address)
        self._index, self._chain, self._node, self._contracts = index, chain, node, contracts
        self._first_block, self._check, self._look = first_block, check, look

    def follow(self, stop: threading.Event) -> None:
        """Keep up with the chain until `stop` is set, whatever the node does."""
        while not stop.is_set():
            is_behind = False
            try:
                is_behind = self.step()
            except Exception as fault:  # a node may answer anything: that must not end the page that says so
                self._complain(fault)
            if not is_behind:
                stop.wait(POLL_SECONDS)

    def step(self) -> bool:
        """Read some blocks, if there are new ones; True when there are more. Raises `QflError`."""
        head = self._node.latest()
        self._forget_what_is_gone(head)
        last = self._index.last_block(self._chain)
        if last is None:
            self._check()
        following = self._first_block if last is None else last[0] + 1
        until = min(head.number, following + SPAN - 1)
        if following <= until:
            chunk = self._read(following, until, last)
            self._index.add(self._chain, self._contracts, chunk)
            until = chunk.blocks[-1].number
        if until >= head.number:
            self._look()
        self.status = replace(self.status, head=head.number, head_time=head.time, indexed=until, problem=None)
        return until < head.number

    def complaint(self) -> str | None:
        """What is wrong with what is shown of this chain; None when nothing is."""
        if self.status.problem is not None:
            return self.status.problem
        if not self._node.answered_at:
            return f"the node at {self._address} has not answered yet"
        silence = time.monotonic() - self._node.answered_at
        text = f"the node at {self._address} has not answered for {silence:.0f} s"
        return text if silence > SILENCE_SECONDS else None

    def _read(self, first: int, until: int, last: tuple[int, str] | None) -> Chunk:
        blocks = _some_of(self._node.blocks(first, until))
        self._node.require_following(blocks[0], last)
        logs = self._node.logs(blocks, self._contracts.addresses)
        ours, labels = {entry.tx_hash for entry in logs}, self._contracts.labels
        sent = [
            (block, transaction)
            for block in blocks
            for transaction in block.transactions
            if transaction.receiver in labels or transaction.hash in ours
        ]
        hashes = {transaction.hash: block.hash for block, transaction in sent}
        paid = self._node.receipts([transaction for _, transaction in sent], hashes)
        rows = [(block.number, transaction, found) for (block, transaction), found in zip(sent, paid, strict=True)]
        return Chunk(blocks, rows, logs)

    def _forget_what_is_gone(self, head: Block) -> None:
        """Roll back to the last block that the chain still has, all the way when it is another chain."""
        last = self._index.last_block(self._chain)
        if last is None or (head.number >= last[0] and self._node.hash_at(last[0]) == last[1]):
            return
        kept = self._index.kept_blocks(self._chain)
        low, high = 0, len(kept)  # blocks before `low` stand, blocks from `high` on are gone
        while low < high:
            middle = (low + high) // 2
            number, block_hash = kept[middle]
            if self._node.hash_at(number) == block_hash:
                low = middle + 1
            else:
                high = middle
        to = kept[low - 1][0] if low else -1
        log.warning("%s has taken back blocks after %d: forgotten here, too", self.status.name, to)
        self._index.roll_back(self._chain, to)

    def _complain(self, fault: Exception) -> None:
        unforeseen = f"the node at {self._address} answers what cannot be read: {conceal(repr(fault))}"
        text = (str(fault) if isinstance(fault, QflError) else unforeseen)[:LONGEST_PROBLEM]
        if text != self.status.problem:
            log.warning("%s", text)
        self.status = replace(self.status, problem=text)


def _some_of(blocks: Sequence[Block]) -> Sequence[Block]:
    """The first of the blocks, as many as `MOST_TRANSACTIONS` allow."""
    total = accumulate(len(block.transactions) for block in blocks)
    return blocks[: 1 + sum(count <= MOST_TRANSACTIONS for count in total)]
