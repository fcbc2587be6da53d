"""What the explorer asks of one chain's node, and what it takes for an answer: plain values of checked form."""

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from qfl.chain.rpc.answers import ADDRESS, DATA, WORD, reading, require_data, require_quantity, require_text
from qfl.chain.rpc.logs import read_logs
from qfl.chain.rpc.rpc import call_all, rpc_at
from qfl.errors import NoAnswerInTime, NodeContradictsItself

PATIENCE_SECONDS = 5.0
MOST_QUESTIONS = 16
"""Questions under way; a node that answers none makes whoever asks after these wait for nothing but the time."""
MOST_GAS = 2**48
"""Gas, block numbers and times are below this on every chain there is; a database's integers end at 2^63."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Sent:
    """A transaction in a block; `receiver` is None for a creation, addresses are in lower case."""

    hash: str
    position: int
    sender: str
    receiver: str | None
    data: bytes
    value_wei: int


@dataclass(frozen=True)
class Block:
    """A block; `transactions` is empty where they were not asked for."""

    number: int
    hash: str
    parent: str
    time: int
    transactions: tuple[Sent, ...] = ()


@dataclass(frozen=True)
class Log:
    """An event of a contract; `raw` is as `EventCoder.decode` takes it."""

    address: str
    index: int
    block: int
    tx_hash: str
    raw: Mapping[str, Any]


@dataclass(frozen=True)
class Paid:
    """What a receipt says of a transaction."""

    succeeded: bool
    gas: int


class Node:
    """One chain's JSON-RPC endpoint. All of it raises `ChainUnreachable` and `NodeContradictsItself`."""

    def __init__(self, url: str) -> None:
        self.url, self._rpc = url, rpc_at(url)
        self.answered_at = 0.0
        """When it answered last, on this process's clock (`monotonic`); 0 for never."""

    def latest(self) -> Block:
        return self._block(self._call_all("eth_getBlockByNumber", [("latest", False)])[0])

    def hash_at(self, number: int) -> str | None:
        """The hash of a block; None when the chain does not reach it."""
        (found,) = self._call_all("eth_getBlockByNumber", [(hex(number), False)])
        return None if found is None else self._block(found).hash

    def blocks(self, first: int, last: int) -> list[Block]:
        """These blocks with their transactions, each the parent of the next."""
        wanted = range(first, last + 1)
        found = self._call_all("eth_getBlockByNumber", [(hex(number), True) for number in wanted])
        blocks = [self._block(answer) for answer in found]
        for number, block, before in zip(wanted, blocks, [None, *blocks], strict=False):
            self._require(block.number == number, f"block {block.number} where {number} was asked for")
            linked = before is None or block.parent == before.hash
            self._require(linked, f"block {number} does not follow the one before it")
        return blocks

    def require_following(self, block: Block, last: tuple[int, str] | None) -> None:
        """Check that a block follows the one with this number and hash, if there is one before it."""
        follows = last is None or block.number != last[0] + 1 or block.parent == last[1]
        self._require(follows, f"block {block.number} does not follow the one that was read before")

    def logs(self, blocks: Sequence[Block], addresses: Sequence[str]) -> list[Log]:
        """The events of these contracts in these blocks, in order."""
        first, last = blocks[0].number, blocks[-1].number
        found = read_logs(self._rpc, {"address": list(addresses)}, first=first, last=last)
        self.answered_at = time.monotonic()
        hashes = {block.number: block.hash for block in blocks}
        return sorted((self._log(log, hashes) for log in found), key=lambda log: (log.block, log.index))

    def receipts(self, sent: Sequence[Sent], block_hashes: Mapping[str, str]) -> list[Paid]:
        """What became of transactions; `block_hashes` has the block of each."""
        found = self._call_all("eth_getTransactionReceipt", [(transaction.hash,) for transaction in sent])
        return [
            self._receipt(receipt, transaction.hash, block_hashes[transaction.hash])
            for receipt, transaction in zip(found, sent, strict=True)
        ]

    def _block(self, found: Any) -> Block:
        with reading(self.url, "a block"):
            return Block(
                self._number(found["number"]),
                self._text(WORD, found["hash"]),
                self._text(WORD, found["parentHash"]),
                self._number(found["timestamp"]),
                tuple(self._sent(entry) for entry in found.get("transactions") or () if isinstance(entry, dict)),
            )

    def _sent(self, found: Mapping[str, Any]) -> Sent:
        return Sent(
            self._text(WORD, found["hash"]),
            self._number(found["transactionIndex"]),
            self._text(ADDRESS, found["from"]),
            None if found.get("to") is None else self._text(ADDRESS, found["to"]),
            require_data(self.url, found["input"]),
            require_quantity(self.url, found["value"]),
        )

    def _log(self, found: Any, hashes: Mapping[int, str]) -> Log:
        with reading(self.url, "an event"):
            block, tx_hash = self._number(found["blockNumber"]), self._text(WORD, found["transactionHash"])
            self._require(hashes.get(block) == found["blockHash"], f"an event of another block {block} than it has")
            raw = {
                "data": self._text(DATA, found["data"]),
                "topics": [self._text(WORD, topic) for topic in found["topics"]],
                "blockNumber": hex(block),
                "transactionHash": tx_hash,
            }
            return Log(self._text(ADDRESS, found["address"]), self._number(found["logIndex"]), block, tx_hash, raw)

    def _receipt(self, found: Any, tx_hash: str, block_hash: str) -> Paid:
        with reading(self.url, f"a receipt of transaction {tx_hash}, which it has in a block,"):
            same = found["transactionHash"] == tx_hash and found["blockHash"] == block_hash
            self._require(same, f"the receipt of another transaction, or block, than {tx_hash}")
            return Paid(self._number(found["status"]) == 1, self._number(found["gasUsed"]))

    def _number(self, value: Any) -> int:
        number = require_quantity(self.url, value)
        self._require(number < MOST_GAS, f"the number {number}")
        return number

    def _text(self, form: re.Pattern[str], value: Any) -> str:
        return require_text(self.url, form, value)

    def _require(self, condition: bool, what: str) -> None:
        if not condition:
            raise NodeContradictsItself(self.url, what)

    def _call_all(self, method: str, calls: Sequence[Sequence[object]]) -> list[Any]:
        found = call_all(self._rpc, method, calls)
        self.answered_at = time.monotonic()
        return found


class Patience:
    """How long a page waits for a node: it asks for at most `seconds`, beside the page.

    The threads of what was let go end with the process.
    """

    def __init__(self, seconds: float = PATIENCE_SECONDS, at_once: int = MOST_QUESTIONS) -> None:
        self._seconds, self._free = seconds, threading.Semaphore(at_once)

    def ask(self, question: Callable[[], _T]) -> _T:
        """What `question` returns or raises. Raises NoAnswerInTime: it has not come to an end in time."""
        if not self._free.acquire(timeout=self._seconds):
            raise NoAnswerInTime(self._seconds)
        answer: Future[_T] = Future()

        def wait_for_it() -> None:
            try:
                answer.set_result(question())
            except BaseException as error:  # whatever it is, it belongs to who asked
                answer.set_exception(error)
            finally:
                self._free.release()

        threading.Thread(target=wait_for_it, daemon=True).start()
        try:
            return answer.result(self._seconds)
        except TimeoutError:
            if answer.done():
                raise
            raise NoAnswerInTime(self._seconds) from None
